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

"""``vfio-lm-host spool``: maps that the guard applies when a server arrives; no rule is here."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable

from vfio_lm.compute.commands.remap import add_map_arguments, parse_map
from vfio_lm.compute.commands.table import format_table
from vfio_lm.compute.domain.devices import canonical_uuid
from vfio_lm.compute.domain.remap import RemapError, mdev_map, pci_map
from vfio_lm.compute.guard.installation import Hook, HookState
from vfio_lm.compute.guard.remap_spool import SpooledMap, SpoolError
from vfio_lm.compute.guard.spool_folder import MapChange, SpoolFolder
from vfio_lm.compute.host.pci_function import NoSuchDeviceError, PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.layout.places import places_of
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress

SUMMARY = "leave a map of devices for a server that is to arrive here"

_DESCRIPTION = """\
On the destination, leave a map that the guard applies to a server when its live migration arrives:
to which devices of this host those that it has on the source should change. The source need not
know of it. The guard has to be installed (vfio-lm-host hook install).

The guard changes the server that runs, never what libvirt keeps for its next start; where you
start the migration yourself, vfio-lm-host migrate --map changes both. A map stays until it is
cleared, because a migration that fails may be tried again: clear it when the server has arrived.
"""

_EPILOG = """\
example, on the destination and as root:
  vfio-lm-host spool set 2c9a4a0e-6d5f-4d0b-8d5e-3b1f0c7a9e42 --map 0000:81:00.1=0000:82:00.4
  vfio-lm-host spool list
  vfio-lm-host spool clear 2c9a4a0e-6d5f-4d0b-8d5e-3b1f0c7a9e42
"""

OWNER = 0
"""The user from whom the guard takes maps."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = _action(actions, "set", "leave a map for a server, in place of the one that is there")
    add.add_argument("uuid", metavar="UUID", help="the server, by its UUID ('virsh domuuid')")
    add_map_arguments(add)
    listing = _action(actions, "list", "show the maps; the exit status is 1 if one is of no use")
    listing.add_argument(
        "-f", "--format", choices=("table", "json"), default="table", help="default: %(default)s"
    )
    clear = _action(actions, "clear", "remove maps")
    clear.add_argument("uuid", metavar="UUID", nargs="*", help="a server, by its UUID")
    clear.add_argument("--all", action="store_true", help="those of all servers")
    for action in (add, clear):
        action.add_argument("--dry-run", action="store_true", help="only say what would be done")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    action = actions.add_parser(
        name, help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False
    )
    action.add_argument(
        "--root",
        metavar="DIR",
        default="/",
        help="the folder that the host's files are under (default: %(default)s)",
    )
    return action


def run(args: argparse.Namespace) -> int:
    """Run the command.

    :raises VfioLmError: if a map cannot be read, written or removed, or is none
    """
    if not os.path.isdir(args.root):
        raise VfioLmError(f"--root {args.root}: is not a folder")
    folder = SpoolFolder(args.root, OWNER)
    if args.action == "set":
        return _set(folder, args)
    if args.action == "clear":
        return _clear(folder, args)
    return _list(folder, args.format)


def _set(folder: SpoolFolder, args: argparse.Namespace) -> int:
    uuid = _uuid(args.uuid)
    pci = pci_map(parse_map("--map", args.map))
    mdevs = mdev_map(parse_map("--mdev", args.mdev))
    if not (pci or mdevs):
        raise RemapError("the map is empty: say with --map or --mdev what becomes of a device")
    written = {str(source): str(there) for source, there in pci.items()}
    change = folder.write(uuid, written, mdevs, dry_run=args.dry_run)
    would_be = "would be " if args.dry_run and change is not MapChange.NONE else ""
    print(f"{folder.path(uuid)}: {would_be}{change.value}")
    _warn(args.root, pci.values())
    return 0


def _warn(root: str, destinations: Iterable[PciAddress]) -> None:
    """Say why a map does not help as things are; both can still be mended before it is needed."""
    sysfs = Sysfs(root)
    for address in destinations:
        try:
            PciFunction.at(sysfs, address)
        except NoSuchDeviceError:
            print(f"PCI device {address} does not exist here (yet).", file=sys.stderr)
    hooks = os.path.join(root, places_of(root).hooks().lstrip("/"))
    if Hook(hooks).state() is not HookState.CURRENT:
        print("The guard is not installed: run 'vfio-lm-host hook install'.", file=sys.stderr)


def _clear(folder: SpoolFolder, args: argparse.Namespace) -> int:
    if bool(args.uuid) is args.all:
        raise VfioLmError("spool clear: give UUIDs, or --all")
    for uuid in list(folder.uuids()) if args.all else list(map(_uuid, args.uuid)):
        if not folder.remove(uuid, dry_run=args.dry_run):
            print(f"{folder.path(uuid)}: is not there")
        else:
            print(f"{folder.path(uuid)}: {'would be removed' if args.dry_run else 'removed'}")
    return 0


def _list(folder: SpoolFolder, output: str) -> int:
    maps: dict[str, SpooledMap] = {}
    errors: list[SpoolError] = []
    for uuid in folder.uuids():
        try:
            found = folder.read(uuid)
        except SpoolError as exc:
            errors.append(exc)
            continue
        if found is not None:  # it was not removed meanwhile
            maps[uuid] = found
    if output == "json":
        fields = [
            {"uuid": uuid, "pci": dict(each.pci), "mdev": dict(each.mdevs)}
            for uuid, each in maps.items()
        ]
        print(json.dumps(fields, indent=2))
    elif maps:
        rows = [
            (uuid, source, there)
            for uuid, each in maps.items()
            for source, there in (*each.pci.items(), *each.mdevs.items())
        ]
        print(format_table(("Server", "Device on Source", "Device Here"), rows), end="")
    elif not errors:
        print("There is no map.")
    for error in errors:
        print(f"the guard refuses the server of this map: {error}", file=sys.stderr)
    return 1 if errors else 0


def _uuid(text: str) -> str:
    try:
        return canonical_uuid(text)
    except ValueError as exc:
        raise VfioLmError(f"{exc}: 'virsh domuuid' on the source shows it") from None
