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

"""``vfio-lm-host hook``: the guard against wrong devices, installed or not; no rule is here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vfio_lm.compute.commands.layout import add_layout_argument
from vfio_lm.compute.files import write_in_one_step
from vfio_lm.compute.guard.daemon import Daemon, running_daemons
from vfio_lm.compute.guard.installation import (
    Hook,
    HookState,
    InstalledScript,
    own_python,
    python_of,
)
from vfio_lm.compute.guard.script import ANY_PYTHON, render
from vfio_lm.compute.guard.status import look_at
from vfio_lm.compute.layout.places import places_of

SUMMARY = "have libvirt refuse live migrations to devices that cannot take them"

_DESCRIPTION = """\
The guard is a hook of libvirt on the destination. Before a live migration begins, it checks each
PCI device that the server would get there: that it exists, that it is bound to a driver that can
migrate it, and that no other server has it. If not, the server stays where it is, and the reason
is in libvirt's error on the source.

It is one file, which needs Python 3.9 or later and nothing else. Where libvirt runs in a container,
its folder of hooks has to be the one that libvirt sees; "status" looks there.
"""

_EPILOG = """\
The guard can also give a server other devices when it arrives: see vfio-lm-host spool.

exit status:
  0  done; of "status": the guard works in each running daemon
  1  the command failed; standard error says why
  3  of "status": the guard does not work in one of them, or none runs; the output says why

examples, on a compute host and as root:
  vfio-lm-host hook install
  vfio-lm-host hook status
  vfio-lm-host hook render --output /etc/kolla/config/nova/hooks/qemu
"""

NOT_WORKING = 3
"""The exit status where the guard is not there, or is not run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summaries = {
        "install": "put the guard into libvirt's folder of hooks, or bring it up to date, once it "
        "was tried out",
        "uninstall": "remove the guard",
        "status": "say whether the guard is installed, and works for each running daemon",
        "render": "print the guard, for images and folders of hooks elsewhere",
    }
    found = {
        name: actions.add_parser(
            name,
            help=summary,
            description=f"{summary.capitalize()}.",
            allow_abbrev=False,
        )
        for name, summary in summaries.items()
    }
    for name in ("install", "uninstall", "status"):
        found[name].add_argument(
            "--hooks-dir",
            metavar="DIR",
            help="libvirt's folder (default: where the host's layout has it)",
        )
        add_layout_argument(found[name])
    for name in ("install", "uninstall"):
        found[name].add_argument(
            "--dry-run", action="store_true", help="only say what would be done"
        )
    found["install"].add_argument(
        "--python",
        metavar="PYTHON",
        help="the interpreter, a path or a name (default: the one of vfio-lm-host)",
    )
    found["render"].add_argument(
        "--python",
        metavar="PYTHON",
        default=ANY_PYTHON,
        help="the interpreter, a path or a name (default: %(default)s)",
    )
    found["render"].add_argument(
        "--output", metavar="FILE", help="write it to FILE, executable, instead"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command.

    :raises VfioLmError: if the script cannot be made, read, written or removed
    """
    if args.action == "render":
        return _render(args)
    hook = Hook(args.hooks_dir or places_of(layout=args.layout).hooks())
    if args.action == "install":
        return _install(hook, args.python or own_python(), args.dry_run)
    if args.action == "uninstall":
        return _uninstall(hook, args.dry_run)
    return _status(hook, running_daemons())


def _render(args: argparse.Namespace) -> int:
    if args.output is None:
        sys.stdout.write(render(args.python))
    else:
        write_in_one_step(args.output, render(args.python), mode=0o755)
    return 0


def _install(hook: Hook, python: str, dry_run: bool) -> int:
    daemons = running_daemons()
    state = hook.state()
    is_there = state is HookState.CURRENT and _python(hook) == python
    if dry_run and state is not HookState.FOREIGN:
        verb = "written" if state is HookState.ABSENT else "replaced"
        print(f"{hook.path}: {'is installed already' if is_there else f'would be {verb}'}")
        return 0
    if is_there:
        print(f"{hook.path}: is installed already")
    else:
        hook.install(python, daemons)
        print(f"{hook.path}: {'written' if state is HookState.ABSENT else 'replaced'}")
    _status(hook, daemons)
    return 0


def _python(hook: Hook) -> str | None:
    return python_of(InstalledScript(hook.path).read() or "")


def _uninstall(hook: Hook, dry_run: bool) -> int:
    state = hook.state()
    if state is HookState.ABSENT:
        print(f"{hook.path}: is not installed")
        return 0
    if dry_run and state is not HookState.FOREIGN:
        print(f"{hook.path}: would be removed")
        return 0
    hook.uninstall()
    print(f"{hook.path}: removed. Libvirt need not be restarted.")
    return 0


def _status(hook: Hook, daemons: Sequence[Daemon]) -> int:
    remarks = list(look_at(hook, daemons))
    for remark in remarks:
        print(remark)
    return NOT_WORKING if any(remark.is_fault for remark in remarks) else 0
