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

"""``vfio-lm-host probe``: host facts for people and as a file; how they are found is elsewhere."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Iterator

from vfio_lm.compute.commands.table import format_table
from vfio_lm.compute.files import write_in_one_step
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.text import listed

SUMMARY = "tell what the host's devices and their drivers can do for live migration"

_DESCRIPTION = """\
Tell what this host's kernel, VFIO drivers and libvirt say of its PCI devices: every PF, every VF,
and each function that is bound to a VFIO driver. What cannot be told is "unknown", with the reason.

No device in use is opened, and none is bound, unbound or configured. A free device on a variant
driver is opened for a moment, to ask the driver; the kernel may reset it then. Run it as root.
"""
_EPILOG = """\
exit status:
  0  the facts were found, whatever they are; a value may be unknown
  1  the command failed

examples:
  vfio-lm-host probe
  vfio-lm-host probe 0000:81:00.1 0000:81:00.2
  vfio-lm-host probe --output /var/lib/vfio-lm/facts/$(hostname).json
  vfio-lm-host probe --sysfs ./support-bundle --nova-conf ./support-bundle/etc/nova/nova.conf

A support bundle is a folder with copies, links kept, of /sys, of /proc/sys/kernel, of
/lib/modules/*/modules.alias, and of /etc/libvirt/qemu and /run/libvirt/qemu.
"""
_ADDRESSES_SHOWN = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument(
        "addresses", metavar="ADDRESS", nargs="*", help="only these PCI devices: 0000:81:00.1"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "-f",
        "--format",
        choices=("table", "json"),
        default="table",
        help="table (default) for people; json is a host facts file",
    )
    form.add_argument(
        "--output",
        metavar="FILE",
        help="write the host facts file FILE, in one step and readable to all, instead",
    )
    parser.add_argument(
        "--sysfs",
        metavar="ROOT",
        default="/",
        help="look at the files below ROOT, a support bundle or a test's, and open no device",
    )
    parser.add_argument(
        "--nova-conf",
        metavar="FILE",
        action="append",
        help="the nova-compute's configuration file or folder; may be repeated (default: "
        "/etc/nova/nova.conf where it can be read)",
    )
    parser.add_argument(
        "--host",
        help="the name by which nova knows the host (default: [DEFAULT]host of nova.conf, else "
        "the host's own name)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command.

    :raises VfioLmError: if an address has no device, no device can be read at all, or something
        else cannot be read or written
    """
    facts = _probe(args)
    if args.format == "json":
        # Also without any device: it says that they are unknown, and why.
        sys.stdout.write(facts.to_json())
    if not facts.devices and (why := facts.unknown.get("devices")):
        raise VfioLmError(why)
    if args.output is not None:
        write_in_one_step(args.output, facts.to_json())
    elif args.format == "table":
        sys.stdout.write(format_facts(facts))
    return 0


def _probe(args: argparse.Namespace) -> HostFacts:
    from vfio_lm.compute.host.probe import HostProbe
    from vfio_lm.compute.host.sysfs import Sysfs
    from vfio_lm.compute.host.vfio import VfioDevices
    from vfio_lm.pci.nova_conf import default_nova_conf_paths, read_nova_conf

    addresses = [PciAddress.parse(text) for text in args.addresses]
    sysfs = Sysfs(args.sysfs)
    # The environment is not asked: OS_VFIO_NOVA_CONF names the files of nova-api.
    paths = args.nova_conf or (default_nova_conf_paths({}) if sysfs.is_live else ())
    probe = HostProbe(
        sysfs,
        conf=read_nova_conf(paths) if paths else None,
        vfio=VfioDevices() if sysfs.is_live else None,
    )
    return probe.host(args.host, _taken_at(sysfs.is_live, args.sysfs), addresses)


def _taken_at(is_live: bool, root: str) -> datetime.datetime:
    """Return the time of the facts: a bundle's are as old as its copy of ``/sys``."""
    if is_live:
        return datetime.datetime.now(datetime.UTC)
    path = os.path.join(root, "sys")
    try:
        return datetime.datetime.fromtimestamp(os.stat(path).st_mtime, datetime.UTC)
    except OSError as exc:
        raise VfioLmError(
            f"--sysfs {root}: {path} cannot be read: {exc.strerror}; name the folder that holds "
            f"the copy of /sys"
        ) from None


def format_facts(facts: HostFacts) -> str:
    """Return host facts as people read them."""
    host = format_table(("Host", facts.host), _host_rows(facts))
    if facts.devices:
        devices = format_table(_HEADER, map(_device_row, facts.devices))
    else:
        devices = "No PF, no VF and no function on a VFIO driver was found.\n"
    return f"{host}\n{devices}" + "".join(
        f"\n{title}:\n" + "".join(f"  {line}\n" for line in lines)
        for title, lines in (
            ("Ignored by nova", _ignored_lines(facts)),
            ("Unknown", [*_unknown_lines(facts)]),
        )
        if lines
    )


_HEADER = (
    "Address",
    "Kind",
    "IDs",
    "NUMA",
    "Group",
    "Driver",
    "Used By",
    "Migration",
    "DMA Logging",
    "State Size",
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


def _device_row(device: DeviceFacts) -> tuple[str, ...]:
    def text(name: str, value: object) -> str:
        return "unknown" if name in device.unknown else "-" if value is None else str(value)

    size = device.state_size_bytes
    group = text("iommu_group", device.iommu_group)
    return (
        str(device.address),
        device.kind.value,
        f"{device.vendor_id}:{device.product_id}",
        "-" if device.numa_node is None else str(device.numa_node),
        f"{group} (shared)" if device.shares_iommu_group else group,
        text("driver", device.driver),
        text("user", device.user and device.user.name),
        _migration(device),
        _yes_no(device.logs_dma),
        "unknown" if size is None else f"{size / 1024 / 1024:.1f} MiB",
    )


def _migration(device: DeviceFacts) -> str:
    flags = device.migration
    if flags is None:
        return "unknown"
    if not flags.stop_copy:
        return "no"
    extras = [
        name for name, has in (("P2P", flags.p2p), ("PRE_COPY", flags.pre_copy)) if has
    ]  # fmt: skip
    return " ".join(["STOP_COPY", *extras])


def _yes_no(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


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
