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

"""When the destination of a live migration refuses a PCI device; how it looks at it is elsewhere.

Libvirt and QEMU find most of this out, too, but late, and with errors such as "the cause is
unknown": a device that is not there, one of the wrong driver, and one that has a user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_lm.compute.domain.devices import DomainDevices
from vfio_lm.compute.domain.remap import first_repeated
from vfio_lm.compute.guard.device_state import DeviceState
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.migratability import (
    PLAIN_DRIVER,
    Obstacle,
    ObstacleKind,
    obstacles,
)


def refusals(devices: DomainDevices, look: Callable[[PciAddress], DeviceState]) -> Iterator[str]:
    """Say why a domain cannot come with these devices; nothing: it can.

    :param look: gives the state of a device on this host
    """
    if repeated := first_repeated(devices.addresses):
        yield f"PCI device {repeated} is in the domain XML twice"
    for address, is_managed in _arriving(devices):
        state = look(address)
        reason = _reason(state, is_managed)
        if reason is not None:
            yield f"PCI device {address} {reason}"


def _arriving(devices: DomainDevices) -> Iterator[tuple[PciAddress, bool]]:
    """Yield each device that QEMU gets, and whether libvirt may bind it to another driver."""
    yield from ((source.address, source.is_managed) for source in devices.pci)
    yield from ((each.address, False) for each in devices.in_arguments if each.address)


def _reason(state: DeviceState, is_managed: bool) -> str | None:
    if not state.exists:
        return "does not exist on this host: map it to another one with 'vfio-lm-host spool set'"
    if state.user is not None:
        return f"is in use by domain {state.user}"
    found = next(obstacles(state, is_managed=is_managed), None)
    return None if found is None else _worded(found, state)


def _worded(obstacle: Obstacle, state: DeviceState) -> str:
    if state.offered_driver:
        way_out = f"bind it to {state.offered_driver}"
    elif state.is_variant_driver_available is False:
        way_out = "this kernel has no variant driver for it"
    else:
        way_out = "bind it to its variant driver, if this kernel has one"
    if obstacle.kind is ObstacleKind.NO_STOP_COPY:
        return f"cannot be migrated, says its driver {state.driver}: look at the device's firmware"
    if obstacle.kind is ObstacleKind.NO_VGPU:
        return "has no vGPU type: write one to its current_vgpu_type"
    if state.driver == PLAIN_DRIVER:
        return f"is bound to {state.driver}, which cannot migrate a device: {way_out}"
    bound = "no driver" if state.driver is None else f"{state.driver}, which is no VFIO driver"
    return f"is bound to {bound}: {way_out}"
