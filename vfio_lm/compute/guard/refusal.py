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

from collections.abc import Callable, Iterator, Sequence

from vfio_lm.compute.domain.devices import DomainDevices, PciSource
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
    for source in devices.pci:
        reason = _reason(source, look(source.address))
        if reason is not None:
            yield f"PCI device {source.address} {reason}"


def _reason(source: PciSource, state: DeviceState) -> str | None:
    return next(filter(None, (rule(source, state) for rule in _RULES)), None)


def _absent(_: PciSource, state: DeviceState) -> str | None:
    return None if state.exists else "does not exist here: map the server's devices to others"


def _in_use(_: PciSource, state: DeviceState) -> str | None:
    return None if state.user is None else f"is in use by domain {state.user}"


def _cannot_migrate(source: PciSource, state: DeviceState) -> str | None:
    found = next(obstacles(state, is_managed=source.is_managed), None)
    return None if found is None else _worded(found, state)


def _worded(obstacle: Obstacle, state: DeviceState) -> str:
    way_out = (
        f"bind it to {state.offered_driver}"
        if state.offered_driver
        else "the kernel here has no variant driver for it"
    )
    if obstacle.kind is ObstacleKind.NO_STOP_COPY:
        return f"cannot be migrated, says its driver {state.driver}: look at the device's firmware"
    if obstacle.kind is ObstacleKind.NO_VGPU:
        return "has no vGPU type: write one to its current_vgpu_type"
    if state.driver == PLAIN_DRIVER:
        return f"is bound to {state.driver}, which cannot migrate a device: {way_out}"
    bound = "no driver" if state.driver is None else f"{state.driver}, which is no VFIO driver"
    return f"is bound to {bound}: {way_out}"


_Rule = Callable[[PciSource, DeviceState], str | None]

_RULES: Sequence[_Rule] = (_absent, _in_use, _cannot_migrate)
"""In the order in which they are asked; the first refusal is told."""
