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

"""``vfio-lm-host verify``: arguments and output of the look at a migrated domain; no rules."""

from __future__ import annotations

import argparse
import datetime
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vfio_lm.compute.commands.layout import add_layout_argument
from vfio_lm.iso_time import read_time

if TYPE_CHECKING:
    from vfio_lm.compute.libvirt.verification import ArrivalFinding

SUMMARY = "verify on the destination that a migrated domain's devices took their state"

_DESCRIPTION = """\
Verify on the destination that the devices of a migrated domain took their state. Libvirt, and nova
with it, calls a live migration a success even if a device's driver refused the state: QEMU resets
the device then, and says so only in its log. So run this on the destination after a migration,
whoever ran that, and as root.
"""

_EPILOG = """\
exit status:
  0  verified: nothing speaks against it
  1  the command failed; standard error says why
  2  broken: a device did not take its state, or the devices are not the right ones
  3  unknown: the output says what is missing

example:
  vfio-lm-host verify instance-0000002a --since 2026-03-01T12:00:00+00:00
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("domain", metavar="DOMAIN", help="name or UUID of the migrated domain")
    parser.add_argument(
        "--connect", metavar="URI", help="libvirt URI of its host (default: qemu:///system)"
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=_time,
        help="look at QEMU's log from this time on, in ISO 8601 with a time zone (default: from "
        "QEMU's last start)",
    )
    parser.add_argument(
        "--qemu-log",
        metavar="FILE",
        type=pathlib.Path,
        help="QEMU's log of the domain (default: DOMAIN.log where the host's layout has it)",
    )
    add_layout_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Look, print what was found, and return the exit status of the epilog.

    :raises VfioLmError: if libvirtd does not answer, or there is no such domain
    """
    from vfio_lm.compute.libvirt.connection import connected
    from vfio_lm.compute.libvirt.verification import EXIT_STATUS, gather, judge, overall

    with connected(args.connect, read_only=True) as connection:
        evidence = gather(
            connection, args.domain, qemu_log=args.qemu_log, since=args.since, layout=args.layout
        )
    findings = judge(evidence)
    show(findings)
    return EXIT_STATUS[overall(findings)]


def show(findings: Sequence[ArrivalFinding]) -> None:
    """Print what was found, the verdict on each before it and the one on all at the end."""
    from vfio_lm.compute.libvirt.verification import ArrivalVerdict, overall

    for finding in findings:
        print(f"{finding.verdict.value:8} {finding.text}")
    print(
        {
            ArrivalVerdict.GOOD: "Verified: nothing speaks against it.",
            ArrivalVerdict.UNKNOWN: "Not verified: see what is unknown above.",
            ArrivalVerdict.BROKEN: "Broken: see above what and what to do.",
        }[overall(findings)]
    )


def _time(text: str) -> datetime.datetime:
    try:
        time = read_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no time in ISO 8601, such as 2026-03-01T12:00:00+00:00"
        ) from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"'{text}' has no time zone: append +00:00 for UTC")
    return time
