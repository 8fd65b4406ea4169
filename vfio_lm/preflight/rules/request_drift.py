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

"""Whether nova may have stored another request for devices than the server shows now; no I/O.

A live migration is judged by what nova stored (``RequestSpec`` and ``InstancePCIRequests``), and no
API shows it. What was done with a server, and what it holds, shows when the two may differ.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules.stored_request import aliases_are_as_stored


def drifts(facts: Facts) -> Iterator[str]:
    """Yield why the stored request may be another one (each seen on nova 34.0.0).

    A port that was removed stays in the request, also through a resize: ``resize`` in
    ``nova/compute/api.py`` keeps what the stored request has of ports. A resize that is reverted
    leaves the request of the flavor that was given up.
    """
    history = facts.history
    if history.has_resize_given_up:
        yield (
            "its last resize was not confirmed, and nova may have kept the devices that the other "
            "flavor asks for"
        )
    if history.has_port_removed:
        yield "a port was removed, and if it had a device, nova still asks for it"
    if history.has_port_added and (facts.ports or facts.network.ports is None):
        yield "a port was added, and if it is one with a device, nova does not ask for it"
    if _may_hold_providers_of_the_source(facts):
        yield (
            "pci_in_placement is off, and if it was on when the server was made, nova still asks "
            "for devices of this very host"
        )


def _may_hold_providers_of_the_source(facts: Facts) -> bool:
    """Whether the stored request may name PCI providers, which the claim at a destination lacks.

    Without the option the scheduler does not give it others
    (``update_pci_request_with_placement_allocations`` in ``nova/compute/utils.py``).
    """
    if facts.pci_in_placement is not False or not (facts.source.devices and facts.alias_requests):
        return False
    return not aliases_are_as_stored(facts)
