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

"""What nova's scheduler may do: look for devices elsewhere, or refuse a host; no I/O."""

from __future__ import annotations

import dataclasses

import os_traits

from vfio_lm.preflight.facts import Destination, Facts


@dataclasses.dataclass(frozen=True)
class HostRefusal:
    """A filter, or an option of the scheduler, that refuses a host, or may."""

    by: str
    """The filter's class, or the option."""
    reason: str
    is_certain: bool = False
    """Whether it will; otherwise it may."""


def scheduler_may_look_elsewhere(facts: Facts, destination: Destination) -> bool:
    """Whether the scheduler could choose devices that this query to placement does not find.

    If it does not ask placement for devices, it ignores the traits of aliases
    (``nova/pci/stats.py``), and sees devices of hosts that report none; a host that reports any
    reports all (``nova/compute/pci_placement_translator.py``, nova 34.0.0).
    """
    if facts.pci_in_placement is not None or not facts.query.pci_groups:
        return False
    has_traits = any(g.required - {os_traits.OWNER_NOVA} for g in facts.query.pci_groups)
    reports = destination.tree is not None and destination.tree.pci_providers
    return has_traits or not reports
