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

"""Host facts as people read them, with what the devices' facts mean for a live migration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vfio_lm.compute.commands.table import format_table
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.device import DeviceKind
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.pci.migratability import PLAIN_DRIVER, is_managed, obstacles
from vfio_lm.text import listed

if TYPE_CHECKING:
    from vfio_lm.pci.hosts import Host

_ADDRESSES_SHOWN = 4


def format_facts(facts: HostFacts, known: Host) -> str:
    """Return host facts as people read them.

    :param known: the host with these facts and its nova.conf, as far as that can be read
    """
    host = format_table(("Host", facts.host), _host_rows(facts))
    if facts.devices:
        devices = _device_table(facts.devices)
    else:
        devices = "No PF, no VF and no function on a VFIO driver was found.\n"
    return f"{host}\n{devices}" + "".join(
        f"\n{title}:\n" + "".join(f"  {line}\n" for line in lines)
        for title, lines in (
            ("Cannot be live migrated", _obstacle_lines(facts, known)),
            ("Ignored by nova", _ignored_lines(facts)),
            ("Unknown", [*_unknown_lines(facts)]),
        )
        if lines
    )


def _host_rows(facts: HostFacts) -> list[tuple[str, str]]:
    downtime = "unknown" if facts.downtime_ms is None else f"{facts.downtime_ms} ms"
    return [
        ("Kernel", facts.kernel or "unknown"),
        ("IOMMU on", _yes_no(facts.is_iommu_on)),
        ("libvirt", facts.libvirt_version or "unknown"),
        ("QEMU", facts.qemu_version or "unknown"),
        ("Post-copy permitted", _yes_no(facts.permits_post_copy)),
        ("Downtime", downtime),
    ]


def _device_table(devices: Sequence[DeviceFacts]) -> str:
    """Leave out the columns that say nothing of any device and are only for some cards."""
    columns = [(title, [cell(each) for each in devices]) for title, cell in _COLUMNS.items()]
    shown = [
        (title, cells)
        for title, cells in columns
        if title not in _ONLY_OF_SOME_CARDS or set(cells) - {"-", "unknown"}
    ]
    return format_table([title for title, _ in shown], zip(*(c for _, c in shown)))


def _cell(device: DeviceFacts, name: str, value: object) -> str:
    """Return a value that is None either because it is not known or because there is none."""
    if isinstance(value, bool):
        return _yes_no(value)
    return "unknown" if name in device.unknown else "-" if value is None else str(value)


def _group(device: DeviceFacts) -> str:
    group = _cell(device, "iommu_group", device.iommu_group)
    return f"{group} (shared)" if device.shares_iommu_group else group


def _migration(device: DeviceFacts) -> str:
    flags = device.migration
    if flags is None:
        is_impossible = device.is_variant_driver_available is False
        return "no" if is_impossible else "unknown"
    if not flags.stop_copy:
        return "no"
    extras = [
        name for name, has in (("P2P", flags.p2p), ("PRE_COPY", flags.pre_copy)) if has
    ]  # fmt: skip
    return " ".join(["STOP_COPY", *extras])


def _state_size(device: DeviceFacts) -> str:
    size = device.state_size_bytes
    return "unknown" if size is None else f"{size / 1024 / 1024:.1f} MiB"


_COLUMNS: dict[str, Callable[[DeviceFacts], str]] = {
    "Address": lambda each: str(each.address),
    "Kind": lambda each: each.kind.value,
    "IDs": lambda each: f"{each.vendor_id}:{each.product_id}",
    "NUMA": lambda each: _cell(each, "numa_node", each.numa_node),
    "Group": _group,
    "Driver": lambda each: _cell(each, "driver", each.driver),
    "Variant": lambda each: _yes_no(each.has_variant_driver),
    "Used By": lambda each: _cell(each, "user", each.user and each.user.name),
    "Migration": _migration,
    "DMA Logging": lambda each: _yes_no(each.logs_dma),
    "State Size": _state_size,
    "Firmware": lambda each: _cell(each, "firmware", each.firmware),
    "vGPU Type": lambda each: _cell(each, "vgpu_type", each.vgpu_type),
    "Devlink Migratable": lambda each: _cell(
        each, "is_devlink_migratable", each.is_devlink_migratable
    ),
}
_ONLY_OF_SOME_CARDS = ("Firmware", "vGPU Type", "Devlink Migratable")


def _yes_no(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


def _obstacle_lines(facts: HostFacts, known: Host) -> list[str]:
    """Say what keeps devices from being live migrated, each obstacle once.

    A PF on a driver of the host is there for its VFs; no server gets it with that driver.
    """
    found: dict[str, list[PciAddress]] = {}
    for device in facts.devices:
        is_on_vfio = device.has_variant_driver or device.driver == PLAIN_DRIVER
        if device.kind is not DeviceKind.VF and not is_on_vfio:
            continue
        managed = is_managed(known.spec_of(device))
        is_source = device.user is not None
        for each in obstacles(device, is_managed=managed, is_source=is_source):
            found.setdefault(str(each), []).append(device.address)
    return [f"{listed(where, _ADDRESSES_SHOWN)}: {why}" for why, where in found.items()]


def _ignored_lines(facts: HostFacts) -> list[str]:
    addresses = listed(facts.ignored_addresses, _ADDRESSES_SHOWN)
    return [f"{addresses}: nova takes no PCI domain above ffff"] if addresses else []


def _unknown_lines(facts: HostFacts) -> Iterator[str]:
    """Say each reason once, with the values and the devices that it is about."""
    unreadable: dict[str, list[str]] = {}
    for unread, why in facts.unreadable.items():
        unreadable.setdefault(why, []).append(unread)
    for why, unread_addresses in unreadable.items():
        yield f"{listed(unread_addresses, _ADDRESSES_SHOWN)}: {why}"
    groups: dict[tuple[str, tuple[PciAddress, ...]], list[str]] = {}
    for name, reason in facts.unknown.items():
        groups.setdefault((reason, ()), []).append(name)
    about: dict[tuple[str, str], list[PciAddress]] = {}
    for device in facts.devices:
        for name, reason in device.unknown.items():
            about.setdefault((name, reason), []).append(device.address)
    for (name, reason), addresses in about.items():
        groups.setdefault((reason, tuple(addresses)), []).append(name)
    for (reason, devices), names in groups.items():
        of = f" of {listed(devices, _ADDRESSES_SHOWN)}" if devices else ""
        yield f"{', '.join(names)}{of}: {reason}"
