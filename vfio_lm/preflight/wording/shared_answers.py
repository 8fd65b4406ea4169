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

"""Answers that several checks share."""

from __future__ import annotations

from vfio_lm.pci.hosts import Host
from vfio_lm.preflight.check import Outcome, not_applicable
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.wording.remedy import check_again, resize, steps

NOT_KNOWN_WHERE = (
    "placement offers no fitting devices there, and it is not known whether the scheduler asks it"
)


def no_alias_devices(facts: Facts) -> Outcome | None:
    """Answer for the checks that only concern servers with devices of an alias."""
    if facts.alias_requests:
        return None
    return not_applicable("the server holds no PCI device by an alias of its flavor")


def no_devices(facts: Facts) -> Outcome | None:
    """Answer for the checks that only concern servers with PCI devices, by alias or by port."""
    if facts.holds_devices:
        return None
    return not_applicable("the server holds no PCI device")


def not_declared(knowledge: Host) -> str:
    """Say why it is not known whether devices in placement are declared live migratable."""
    if knowledge.conf is None:
        return (
            "this nova-compute (before 34.0.0) does not report whether they are declared live "
            "migratable"
        )
    if knowledge.facts is None:
        return "without the facts of the host it is not known which [pci]device_spec means them"
    return "the [pci]device_spec of the host and the traits in placement do not say the same of all"


def as_it_was_made(server_id: str) -> str:
    """Say what settles what is stored with a server whose aliases have changed since."""
    return steps(
        check_again(
            "--nova-conf FILE",
            why="with the nova.conf of the day when the server was created or last resized as "
            "FILE, ",
        ),
        f"or {resize(server_id, 'with the aliases of today')}",
    )
