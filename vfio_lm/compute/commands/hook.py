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

from vfio_lm.compute.guard.installation import HOOKS, Hook, HookState

SUMMARY = "have libvirt refuse live migrations to devices that cannot take them"

_DESCRIPTION = """\
The guard is a hook of libvirt on the destination. Before a live migration begins, it checks each
PCI device that the server would get there: that it exists, that it is bound to a driver that can
migrate it, and that no other server has it. If not, the server stays where it is, and the reason
is in libvirt's error on the source.
"""

_EPILOG = """\
The guard can also give a server other devices when it arrives: see vfio-lm-host spool.

example, on a compute host and as root:
  vfio-lm-host hook install
"""

NOT_INSTALLED = 3
"""The exit status of ``status`` if the guard is not there, or is another installation's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("install", "put the guard into libvirt's folder of hooks, or bring it up to date"),
        ("uninstall", "remove the guard"),
        ("status", "say whether the guard is installed; the exit status is 3 if it is not"),
    ):
        action = actions.add_parser(
            name, help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False
        )
        action.add_argument(
            "--hooks-dir",
            metavar="DIR",
            default=HOOKS,
            help="libvirt's folder (default: %(default)s)",
        )
        if name != "status":
            action.add_argument(
                "--dry-run", action="store_true", help="only say what would be done"
            )


def run(args: argparse.Namespace) -> int:
    """Run the command.

    :raises HookError: if the script cannot be read, written or removed
    """
    hook = Hook(args.hooks_dir)
    if args.action == "install":
        return _install(hook, args.dry_run)
    if args.action == "uninstall":
        return _uninstall(hook, args.dry_run)
    state = hook.state()
    print(f"{hook.path}: {state.value}")
    return 0 if state is HookState.CURRENT else NOT_INSTALLED


def _install(hook: Hook, dry_run: bool) -> int:
    state = hook.state()
    if state is HookState.CURRENT:
        print(f"{hook.path}: is installed already")
        return 0
    is_first = not hook.has_others() and state is HookState.ABSENT
    if dry_run and state is not HookState.FOREIGN:
        print(f"{hook.path}: would be {'written' if state is HookState.ABSENT else 'replaced'}")
    else:
        hook.install()
        print(f"{hook.path}: {'written' if state is HookState.ABSENT else 'replaced'}")
    if is_first:
        print(
            "There is no other hook for QEMU, and libvirt looks for them only when it starts or is "
            "reloaded: reload or restart libvirtd, or virtqemud where that runs instead. Servers "
            "go on running."
        )
    else:
        print("Libvirt need not be restarted.")
    return 0


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
