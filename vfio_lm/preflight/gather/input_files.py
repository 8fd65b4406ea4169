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

"""What a preflight knows beyond the APIs, read from files; which files is for others to say."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from vfio_lm.pci import read_nova_conf
from vfio_lm.pci.hosts import facts_files, read_named_hosts
from vfio_lm.pci.nova_conf import last_changed
from vfio_lm.pci.nova_word import read_nova_word
from vfio_lm.pci.scheduler_options import NO_OPTIONS
from vfio_lm.preflight.inputs import DEFAULT_MAX_AGE, Inputs
from vfio_lm.preflight.nova_says import GivenWord


def read_inputs(
    api_conf: Sequence[str] = (),
    host_confs: Mapping[str, Sequence[str]] | None = None,
    host_facts: Iterable[str] = (),
    *,
    nova_says: Sequence[str] = (),
    asks_nova: bool = True,
    max_age: datetime.timedelta = DEFAULT_MAX_AGE,
) -> Inputs:
    """Return what files say now.

    :param api_conf: nova.conf of nova-api and nova-scheduler: files, and folders of such files,
        that are read as one configuration; none: what aliases mean is not known
    :param host_confs: the same of the nova-compute of hosts, by host
    :param host_facts: host facts files, and folders of such files with names that end in
        ``.json``; of two files of one host the younger one counts
    :param nova_says: files that ``vfio-lm-nova`` wrote; of several, the youngest that knows a
        server counts
    :param asks_nova: whether nova itself may be asked where there is no such file
    :param max_age: older files of the last two kinds make a warning
    :raises vfio_lm.errors.ConfigError: if a nova.conf or a folder cannot be read, nova would refuse
        a nova.conf, or it is another host's
    :raises vfio_lm.pci.host_facts.HostFactsError: if a file is no host facts file
    :raises vfio_lm.pci.nova_word.NovaWordError: if a file does not hold nova's word
    """
    by_host = host_confs or {}
    facts = facts_files(host_facts)
    conf = read_nova_conf(api_conf) if api_conf else None
    return Inputs(
        now=datetime.datetime.now(datetime.timezone.utc),
        aliases=conf.aliases if conf else None,
        pci_in_placement=conf.pci_in_placement if conf else None,
        skips_version_check=conf.skips_version_check if conf else None,
        scheduler=conf.scheduler if conf else NO_OPTIONS,
        aliases_changed_at=last_changed(api_conf) if conf else None,
        hosts=read_named_hosts(by_host, facts),
        max_age=max_age,
        asks_nova=asks_nova,
        nova_words=tuple(GivenWord(path, read_nova_word(path)) for path in nova_says),
        files=(
            *api_conf,
            *(path for paths in by_host.values() for path in paths),
            *facts,
            *nova_says,
        ),
    )
