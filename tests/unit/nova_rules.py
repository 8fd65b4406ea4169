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

"""Nova's own functions, called with a configuration of the test's choosing."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from unittest import mock

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

import nova.conf
from nova import objects
from nova.objects import fields
from nova.pci import request

from vfio_lm.pci import Device, DeviceKind, PciAddress

objects.register_all()
logging.getLogger("nova").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def configured(
    *,
    aliases: Sequence[str] = (),
    pci_in_placement: bool = False,
    report_in_placement: bool = False,
) -> Iterator[None]:
    """Set ``[pci]alias`` and the two options that put PCI devices in placement for a while."""
    conf = nova.conf.CONF
    conf.set_override("alias", list(aliases), "pci")
    conf.set_override("report_in_placement", report_in_placement, "pci")
    conf.set_override("pci_in_placement", pci_in_placement, "filter_scheduler")
    request.get_alias_from_config.cache_clear()
    try:
        yield
    finally:
        conf.clear_override("alias", "pci")
        conf.clear_override("report_in_placement", "pci")
        conf.clear_override("pci_in_placement", "filter_scheduler")
        request.get_alias_from_config.cache_clear()


@contextlib.contextmanager
def on_host(
    devices: Iterable[Device] = (), interfaces: Mapping[str, PciAddress] | None = None
) -> Iterator[None]:
    """Let nova find these devices in sysfs."""
    functions = {str(device.address) for device in devices if device.kind is DeviceKind.PF}
    names = {name: str(address) for name, address in (interfaces or {}).items()}

    def is_physical_function(domain: str, bus: str, slot: str, function: str) -> bool:
        return f"{domain}:{bus}:{slot}.{function}" in functions

    def get_function_by_ifname(name: str) -> tuple[str | None, bool]:
        address = names.get(str(name))
        return address, address in functions

    with (
        mock.patch("nova.pci.utils.is_physical_function", is_physical_function),
        mock.patch("nova.pci.utils.get_function_by_ifname", get_function_by_ifname),
    ):
        yield


def pci_device(device: Device) -> objects.PciDevice:
    """Write a device down as nova keeps it."""
    return objects.PciDevice(
        address=str(device.address),
        parent_addr=str(device.parent_address) if device.parent_address else None,
        vendor_id=device.vendor_id,
        product_id=device.product_id,
        dev_type=device.kind.value,
        numa_node=device.numa_node,
        status=fields.PciDeviceStatus.AVAILABLE,
        instance_uuid=None,
        extra_info=(
            {"capabilities": f'{{"vpd": {{"card_serial_number": "{device.card_serial_number}"}}}}'}
            if device.card_serial_number
            else {}
        ),
    )
