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
from typing import TYPE_CHECKING

from vfio_lm.compute.commands.facts_table import format_facts
from vfio_lm.compute.commands.layout import add_layout_argument
from vfio_lm.compute.files import write_in_one_step
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.host_facts import HostFacts

if TYPE_CHECKING:
    from vfio_lm.compute.layout.places import HostPlaces
    from vfio_lm.pci.nova_conf import NovaConf

SUMMARY = "tell what the host's devices and their drivers can do for live migration"

_DESCRIPTION = """\
Tell what this host's kernel, VFIO drivers and libvirt say of its PCI devices: every PF, every VF,
and each function that is bound to a VFIO driver. What is not known is "unknown", with the
reason.

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
        help="the nova-compute's configuration file or folder; may be repeated (default: those of "
        "the nova-compute that runs, else those of the host's layout)",
    )
    add_layout_argument(parser)
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
    from vfio_lm.compute.layout.places import places_of

    places = places_of(args.sysfs, args.layout)
    conf = _conf(args, places)
    facts = _probe(args, conf, places)
    if args.format == "json":
        # Also without any device: it says that they are unknown, and why.
        sys.stdout.write(facts.to_json())
    if not facts.devices and (why := facts.unknown.get("devices")):
        raise VfioLmError(why)
    if args.output is not None:
        write_in_one_step(args.output, facts.to_json())
    elif args.format == "table":
        from vfio_lm.pci.hosts import Host

        sys.stdout.write(format_facts(facts, Host(conf=conf, facts=facts)))
    return 0


def _conf(args: argparse.Namespace, places: HostPlaces) -> NovaConf | None:
    from vfio_lm.compute.host.unknowns import NotKnownError
    from vfio_lm.pci.nova_conf import read_nova_conf

    # The environment is not asked: OS_VFIO_NOVA_CONF names the files of nova-api.
    try:
        return read_nova_conf(args.nova_conf or places.nova_conf())
    except NotKnownError:
        return None


def _probe(args: argparse.Namespace, conf: NovaConf | None, places: HostPlaces) -> HostFacts:
    from vfio_lm.compute.commands.protection import with_protection
    from vfio_lm.compute.host.probe import HostProbe
    from vfio_lm.compute.host.sysfs import Sysfs
    from vfio_lm.compute.host.vfio import VfioDevices

    addresses = [PciAddress.parse(text) for text in args.addresses]
    sysfs = Sysfs(args.sysfs)
    probe = HostProbe(
        sysfs,
        conf=conf,
        vfio=VfioDevices() if sysfs.is_live else None,
        places=places,
    )
    facts = probe.host(args.host, _taken_at(sysfs.is_live, args.sysfs), addresses)
    return with_protection(facts) if sysfs.is_live else facts


def _taken_at(is_live: bool, root: str) -> datetime.datetime:
    """Return the time of the facts: a bundle's are as old as its copy of ``/sys``."""
    if is_live:
        return datetime.datetime.now(datetime.timezone.utc)
    path = os.path.join(root, "sys")
    try:
        return datetime.datetime.fromtimestamp(os.stat(path).st_mtime, datetime.timezone.utc)
    except OSError as exc:
        raise VfioLmError(
            f"--sysfs {root}: {path} cannot be read: {exc.strerror}; name the folder that holds "
            f"the copy of /sys"
        ) from None
