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

"""The console script ``vfio-lm-host``: finds the sub-command, shows its errors, does no work."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Protocol, TextIO, cast

from vfio_lm.command_line import ArgumentParser
from vfio_lm.errors import VfioLmError

_MODULES = {
    "probe": "vfio_lm.compute.commands.probe",
    "remap": "vfio_lm.compute.commands.remap",
    "match": "vfio_lm.compute.libvirt.match_command",
    "migrate": "vfio_lm.compute.libvirt.migrate_command",
    "verify": "vfio_lm.compute.libvirt.verify_command",
    "hook": "vfio_lm.compute.commands.hook",
    "spool": "vfio_lm.compute.commands.spool",
    "layout": "vfio_lm.compute.commands.layout",
}
"""Where each sub-command lives; its module is imported when it is chosen."""

COMMANDS = tuple(_MODULES)

_PROGRAM = "vfio-lm-host"
_FAILED = 1
_EPILOG = """\
exit status:
  0  it was done
  1  the command failed, or was not understood; standard error says why
  Other numbers are answers: see the help of the sub-command.

example, on a compute host and as root:
  vfio-lm-host probe
"""


class _Command(Protocol):
    """A module with a sub-command."""

    SUMMARY: str
    """One line for ``vfio-lm-host --help``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe its arguments, and give an epilog with an example."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it, and return the exit status.

        :raises VfioLmError: with a text for the user
        """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``vfio-lm-host`` and return its exit status.

    :param arguments: those of the command line where none are given
    """
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except VfioLmError as exc:
        print(f"{_PROGRAM}: {exc}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:
        # Whoever read the output wants no more of it, and nor may Python's own flush complain.
        _discard(sys.stdout)
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(arguments: Sequence[str]) -> int:
    command, parser = _parse_command(arguments)
    args = parser.parse_args(arguments)
    status = command.run(args) if command else _load(args.command).run(args)
    sys.stdout.flush()
    return status


def _parse_command(arguments: Sequence[str]) -> tuple[_Command | None, argparse.ArgumentParser]:
    """Return the chosen sub-command, and a parser that knows it; all of them if none is chosen."""
    chosen = arguments[0] if arguments and arguments[0] in COMMANDS else None
    modules = {name: _load(name) for name in COMMANDS if chosen in (None, name)}
    parser = ArgumentParser(
        prog=_PROGRAM,
        description="Live migration of VFIO devices, seen from one compute host.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(
        dest="command", metavar="<sub-command>", required=True, title="sub-commands"
    )
    for name, module in modules.items():
        subparser = subparsers.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(subparser)
    return modules.get(chosen) if chosen else None, parser


def _load(name: str) -> _Command:
    return cast(_Command, importlib.import_module(_MODULES[name]))


def _discard(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
