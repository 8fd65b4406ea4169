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

"""``openstack vfio device …``: the PCI devices of the whole cloud, as placement counts them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from osc_vfio_lm import command

if TYPE_CHECKING:
    from vfio_lm.inventory import DeviceFilter, PciDevice


class ListDevice(command.Lister):
    _description = """\
List PCI devices of all hosts

Shows each PF and PCI device that nova counts in placement, with the units (VFs, or the device
itself) that may be taken, are taken, and are free. A host whose nova-compute does not report its
devices ([pci]report_in_placement) shows none.

A host marked 'no such host' is one that nova does not have: it was renamed or removed, and left its
providers in placement. Nothing of it counts as free; 'openstack vfio provider audit' says what to
do.

Live Migratable is 'unknown' where the trait HW_PCI_LIVE_MIGRATABLE is missing and nova-compute is
older than 2026.2: it would not report the trait in any case."""

    exit_statuses = ((0, "the devices are listed, also if there is none"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--host", metavar="<hostname>", help="Show only devices of this compute host"
        )
        parser.add_argument(
            "--resource-class",
            metavar="<resource-class>",
            help="Show only devices of this resource class",
        )
        parser.add_argument("--free", action="store_true", help="Show only devices with free units")
        parser.add_argument(
            "--live-migratable",
            choices=("yes", "no"),
            help="Show only devices that are, or are not, declared live migratable",
        )
        parser.add_argument("--long", action="store_true", help="List additional fields in output")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.cloud.model import Marking
        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import DeviceFilter, collect_devices

        wanted = DeviceFilter(
            host=parsed_args.host,
            resource_class=parsed_args.resource_class,
            is_free=parsed_args.free,
            live_migratable=Marking(parsed_args.live_migratable)
            if parsed_args.live_migratable
            else None,
        )
        cloud = WholeCloud(self.app.client_manager.sdk_connection)
        devices = collect_devices(cloud, wanted)
        self.nothing = _nothing(wanted)
        columns: tuple[str, ...] = (
            "Host",
            "Address",
            "Resource Class",
            "Total",
            "Used",
            "Free",
            "Live Migratable",
        )
        if parsed_args.long:
            columns += ("Provider UUID", "Traits", "Owner", "Host Exists")
        return columns, (_row(device, parsed_args.long) for device in devices)


class ShowDevice(command.ShowOne):
    _description = """\
Show a PCI device and the servers that hold units of it

What holds units without being a server on the host, as the claim of a migration, is shown
without a name."""

    exit_statuses = ((0, "the device is shown"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "device",
            metavar="<device>",
            help="Device to show: UUID of its resource provider, or <hostname>:<address>, for "
            "example compute1:0000:81:00.0",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from osc_lib.cli import format_columns

        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import find_device

        cloud = WholeCloud(self.app.client_manager.sdk_connection)
        device, holders = find_device(cloud, parsed_args.device)
        servers = [
            {"id": holder.id, "name": holder.name, "units": holder.units} for holder in holders
        ]
        columns = (
            "host",
            "address",
            "resource_class",
            "total",
            "used",
            "free",
            "live_migratable",
            "provider_uuid",
            "traits",
            "owner",
            "host_exists",
            "servers",
        )
        return columns, (*_row(device, is_long=True), format_columns.ListDictColumn(servers))


def _nothing(wanted: DeviceFilter) -> str:
    """Say what was looked for where no device is listed."""
    kind = "free PCI device" if wanted.is_free else "PCI device"
    limits = [
        f"on {wanted.host}" if wanted.host is not None else "",
        f"of {wanted.resource_class}" if wanted.resource_class is not None else "",
        f"with live_migratable {wanted.live_migratable.value}" if wanted.live_migratable else "",
    ]
    said = " ".join(filter(None, limits))
    what = f"{kind} {said}".rstrip()
    return f"placement has no {what}; nova-compute reports its own with [pci]report_in_placement"


def _row(device: PciDevice, is_long: bool) -> tuple[Any, ...]:
    from osc_vfio_lm.cells import HostColumn

    row: tuple[Any, ...] = (
        HostColumn((device.host, not device.is_left_behind)),
        device.address or None,
        device.resource_class or None,
        device.total,
        device.used,
        device.free,
        device.live_migratable.value,
    )
    if not is_long:
        return row
    from osc_lib.cli import format_columns

    return (
        *row,
        device.provider.uuid,
        format_columns.ListColumn(sorted(device.provider.traits)),
        "nova" if device.provider.is_of_nova else "other",
        not device.is_left_behind,
    )
