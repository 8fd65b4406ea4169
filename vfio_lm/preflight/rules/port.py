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

"""Which devices can serve a port that nova serves with a PCI device; no I/O."""

from __future__ import annotations

from typing import Any

from vfio_lm.cloud.model import Port
from vfio_lm.pci import Device, DeviceKind, DeviceSpec

# nova/pci/request.py DEVICE_TYPE_FOR_VNIC_TYPE (nova 34.0.0)
_KINDS = {"direct-physical": DeviceKind.PF, "vdpa": DeviceKind.VDPA}


def serves_port(port: Port, device: Device, spec: DeviceSpec) -> bool:
    """Whether nova would give a device to a port.

    Source: ``create_resource_requests`` in ``nova/network/neutron.py`` for what is asked for, and
    ``PciDeviceStats._filter_pools`` in ``nova/pci/stats.py`` for what is given (nova 34.0.0).

    :param port: one that is replugged
    :param spec: the specification that decides about the device
    """
    # Nova fills in the tag for what belongs to SR-IOV.
    default = None if device.kind is DeviceKind.PCI else "false"
    remote_managed = spec.tags.get("remote_managed")
    kind = spec.tags.get("dev_type", device.kind.value)
    wanted = _KINDS.get(port.vnic_type)
    return (
        _is_same(spec.tags.get("physical_network"), port.physical_network)
        and _is_same(default if remote_managed is None else remote_managed, "false")
        and (port.trusted is None or _is_same(spec.tags.get("trusted"), str(port.trusted)))
        and (kind == wanted.value if wanted else kind not in _NOT_UNASKED)
    )


_NOT_UNASKED = (DeviceKind.PF.value, DeviceKind.VDPA.value)


def _is_same(tag: Any, wanted: str | None) -> bool:
    """Compare without regard to case, like ``nova/pci/utils.py`` ``pci_device_prop_match``."""
    if isinstance(tag, str) and wanted is not None:
        return tag.lower() == wanted.lower()
    return bool(tag == wanted)
