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

"""``vfio-lm-host layout``: where a host's files are, as other sub-commands find them; no rules."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable

from vfio_lm.compute.commands.table import format_table
from vfio_lm.compute.layout.table import BY_NAME

SUMMARY = "show where this host has the files of libvirt and nova-compute"

_DESCRIPTION = """\
Show where this host has the files of libvirt and nova-compute, as the other sub-commands find
them: through the daemons that run, in a container or not, and where none runs, by how the host is
deployed.
"""
_EPILOG = """\
layouts:
{layouts}

exit status:
  0  each place is known
  1  the command failed
  3  a place is unknown; the output says why

example, on a compute host and as root:
  vfio-lm-host layout
"""

UNKNOWN = 3


def add_layout_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option that names how a host is deployed."""
    parser.add_argument(
        "--layout",
        metavar="LAYOUT",
        choices=tuple(BY_NAME),
        help="how the host is deployed; see vfio-lm-host layout --help (default: as its processes "
        "and files show)",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    width = max(map(len, BY_NAME))
    lines = (f"  {each.name:{width}}  {each.title}" for each in BY_NAME.values())
    parser.epilog = _EPILOG.format(layouts="\n".join(lines))
    add_layout_argument(parser)
    parser.add_argument(
        "--root",
        metavar="DIR",
        default="/",
        help="look at the files below DIR, a support bundle, and at no process",
    )
    parser.add_argument(
        "-f", "--format", choices=("table", "json"), default="table", help="default: %(default)s"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from vfio_lm.compute.host.unknowns import Unknowns
    from vfio_lm.compute.layout.places import places_of

    places = places_of(args.root, args.layout)
    unknowns = Unknowns()
    look: dict[str, Callable[[], Iterable[str]]] = {
        "definitions": places.definitions,
        "status": places.status,
        "logs": places.logs,
        "hooks": lambda: (places.hooks(),),
        "nova_conf": places.nova_conf,
    }
    found = {name: unknowns.take(name, find) for name, find in look.items()}
    if args.format == "json":
        paths = {name: None if each is None else list(each) for name, each in found.items()}
        fields = {"layout": places.layout.name, **paths, "unknown": unknowns.unknown}
        print(json.dumps(fields, indent=2))
    else:
        print(f"{places.layout.name}: {places.layout.title}")
        rows = [
            (_LABELS[name], f"unknown: {unknowns.unknown[name]}" if each is None else _listed(each))
            for name, each in found.items()
        ]
        print(format_table(("Files", "Place"), rows), end="")
    return UNKNOWN if unknowns.unknown else 0


_LABELS = {
    "definitions": "Definitions of domains",
    "status": "Running domains",
    "logs": "QEMU's logs",
    "hooks": "Hooks",
    "nova_conf": "nova.conf",
}


def _listed(paths: Iterable[str]) -> str:
    return ", ".join(paths) or "none"
