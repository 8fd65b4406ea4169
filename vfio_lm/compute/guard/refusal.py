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

import dataclasses
import enum
from collections.abc import Callable, Iterator, Sequence

from vfio_lm.compute.domain.devices import DomainDevices, PciSource
from vfio_lm.compute.domain.remap import first_repeated
from vfio_lm.pci.address import PciAddress


class Binding(enum.Enum):
    """Whose a device is, by the driver it is bound to."""

    NONE = "no driver"
    HOST = "a driver that does not give it to VFIO"
    PLAIN = "vfio-pci, which gives it to VFIO and knows nothing of its state"
    VARIANT = "a driver that gives it to VFIO and is made for this device"


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceState:
    """A PCI device as the destination has it before the migration."""

    exists: bool
    binding: Binding = Binding.NONE
    driver: str | None = None
    offered_driver: str | None = None
    """The variant driver that the kernel has for the device."""
    lacks_migration: bool = False
    """Whether the kernel says that the driver cannot migrate this device."""
    lacks_vgpu: bool = False
    """Whether it is a VF for an NVIDIA vGPU, and has none."""
    user: str | None = None
    """Another domain that has the device."""


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


def _wrong_driver(source: PciSource, state: DeviceState) -> str | None:
    offered = state.offered_driver
    way_out = f"bind it to {offered}" if offered else "the kernel here has no variant driver for it"
    if state.binding is Binding.PLAIN:
        return f"is bound to {state.driver}, which cannot migrate a device: {way_out}"
    if state.binding is Binding.VARIANT or (source.is_managed and offered):
        # A managed device is libvirt's to bind; from 10.0 on it takes the variant driver.
        return None
    bound = "no driver" if state.driver is None else f"{state.driver}, which is no VFIO driver"
    return f"is bound to {bound}: {way_out}"


def _cannot_migrate(_: PciSource, state: DeviceState) -> str | None:
    if not state.lacks_migration:
        return None
    return f"cannot be migrated, says its driver {state.driver}: look at the device's firmware"


def _without_vgpu(_: PciSource, state: DeviceState) -> str | None:
    return "has no vGPU type: write one to its current_vgpu_type" if state.lacks_vgpu else None


_Rule = Callable[[PciSource, DeviceState], str | None]

_RULES: Sequence[_Rule] = (_absent, _in_use, _wrong_driver, _cannot_migrate, _without_vgpu)
"""In the order in which they are asked; the first refusal is told."""
