# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""What is known beyond the APIs: nova.conf files, what kernels of hosts say, and nova itself."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from vfio_lm.pci import Alias
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.hosts import NOTHING_KNOWN, Host
from vfio_lm.pci.scheduler_options import NO_OPTIONS, SchedulerOptions
from vfio_lm.preflight.nova_says import GivenWord

DEFAULT_MAX_AGE = datetime.timedelta(hours=1)

# nova/conf/libvirt.py live_migration_downtime (nova 34.0.0)
_DEFAULT_DOWNTIME_MS = 500

#: Clocks of two machines differ; a file from further in the future is not believed.
_CLOCK_SKEW = datetime.timedelta(minutes=1)


@dataclasses.dataclass(frozen=True)
class Inputs:
    """All inputs of the preflight besides the answers of the cloud."""

    now: datetime.datetime
    """The time of the question, with a time zone: no rule looks at a clock."""
    aliases: Mapping[str, Alias] | None = None
    """``[pci]alias`` of nova-api by name; None where no nova.conf was given."""
    pci_in_placement: bool | None = None
    """``[filter_scheduler]pci_in_placement``; None where no nova.conf says it."""
    skips_version_check: bool | None = None
    """``[workarounds]skip_hypervisor_version_check_on_lm`` of nova-conductor; None as above."""
    scheduler: SchedulerOptions = NO_OPTIONS
    """What the same files say of nova-scheduler and nova-conductor."""
    aliases_changed_at: datetime.datetime | None = None
    """When the newest of the files that define the aliases was written, with a time zone."""
    hosts: Mapping[str, Host] = dataclasses.field(default_factory=dict)
    max_age: datetime.timedelta = DEFAULT_MAX_AGE
    """Older host facts make a warning; so does an older word of nova's, which does not count."""
    nova_words: tuple[GivenWord, ...] = ()
    """What nova itself said, of files."""
    asks_nova: bool = True
    """Whether nova itself may be asked, where it offers that and no file is given."""
    files: tuple[str, ...] = ()
    """The files that all this was read from, for the report."""

    def of_host(self, host: str) -> Host:
        """Return what is known of a host; perhaps nothing."""
        return self.hosts.get(host, NOTHING_KNOWN)

    def disbelief(self, host: str) -> str | None:
        """Say why the facts given for a host cannot be its own; None where they can."""
        facts = self.of_host(host).facts
        if facts is None:
            return None
        if facts.host != host:
            return f"the facts given for {host} are those of host '{facts.host}'"
        if facts.taken_at > self.now + _CLOCK_SKEW:
            return f"the facts of {host} were taken in the future, at {facts.taken_at.isoformat()}"
        return None

    def facts_of(self, host: str) -> HostFacts | None:
        """Return the facts of a host, if they can be believed."""
        return None if self.disbelief(host) else self.of_host(host).facts

    def permits_post_copy(self, host: str) -> bool | None:
        """Return ``[libvirt]live_migration_permit_post_copy`` of a host; None if not known."""
        conf, facts = self.of_host(host).conf, self.facts_of(host)
        if conf is not None:
            return bool(conf.permit_post_copy)
        return facts.permits_post_copy if facts else None

    def downtime_ms(self, host: str) -> int | None:
        """Return ``[libvirt]live_migration_downtime`` of a host; None if not known."""
        conf, facts = self.of_host(host).conf, self.facts_of(host)
        if conf is not None:
            return conf.downtime_ms if conf.downtime_ms is not None else _DEFAULT_DOWNTIME_MS
        return facts.downtime_ms if facts else None

    def timeout_action(self, host: str) -> str | None:
        """Return what a host does to a live migration that takes long; None if not known."""
        conf, facts = self.of_host(host).conf, self.facts_of(host)
        if conf is not None:
            return conf.action_at_timeout
        return facts.timeout_action if facts else None

    def parallel_connections(self, host: str) -> int | None:
        """Return ``[libvirt]live_migration_parallel_connections``; None if not known."""
        conf, facts = self.of_host(host).conf, self.facts_of(host)
        if conf is not None:
            return conf.parallel_connections or 1
        return facts.parallel_connections if facts else None

    def age(self, facts: HostFacts) -> datetime.timedelta:
        """Return how old facts are."""
        return max(self.now - facts.taken_at, datetime.timedelta())

    def is_old(self, facts: HostFacts) -> bool:
        """Whether facts are older than they should be."""
        return self.age(facts) > self.max_age
