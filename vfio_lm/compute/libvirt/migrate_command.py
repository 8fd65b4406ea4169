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

"""``vfio-lm-host migrate``: arguments and output of a live migration without nova; no rules."""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import AddressError, PciAddress
from vfio_lm.text import whole_number

if TYPE_CHECKING:
    from vfio_lm.compute.libvirt.connection import Connection
    from vfio_lm.compute.libvirt.migration_plan import MigrationPlan

SUMMARY = "live migrate a domain with VFIO devices without nova, and verify that it arrived whole"

_DESCRIPTION = """\
Live migrate a domain to devices of another host without nova: for laboratories, and where nova
cannot help any more. The new addresses are in the domain that runs and in its persistent
definition; then it is verified that the devices took their state. A domain of nova's is refused.
"""

_EPILOG = """\
Both hosts are asked first; with --dry-run that is all. The domain is moved by the source's libvirtd
itself (peer to peer), so that DEST_URI is reached from there and from here.

Ctrl-C stops the migration: the domain goes on running on the source. If this command is killed
instead, or its terminal is lost, libvirtd goes on with the migration. Then
  virsh domjobinfo DOMAIN        on the source shows how far it is,
  virsh domjobabort DOMAIN       stops it,
  vfio-lm-host verify DOMAIN     on the destination verifies it when it is done.

exit status:
  0  migrated, and verified
  1  not migrated; standard error says why, and that the domain still runs on the source
  2  migrated, but broken: a device did not take its state, or the addresses are wrong
  3  migrated, but not verified: QEMU's log is on the destination, so run there what is printed

example:
  vfio-lm-host migrate g1 qemu+ssh://compute2/system --map 0000:65:00.1=0000:ca:00.2
"""


class _NotMigratedError(VfioLmError):
    """One of the checks before the migration says no."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("domain", metavar="DOMAIN", help="name or UUID of the running domain")
    parser.add_argument(
        "destination", metavar="DEST_URI", help="libvirt URI of the destination, as seen from here"
    )
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument(
        "--map",
        metavar="SRC=DST",
        action="append",
        type=_pair,
        help="where a device goes: PCI address here, PCI address there (repeat for each device)",
    )
    chosen.add_argument(
        "--auto",
        action="store_true",
        help="choose free devices of the same kind; needs --source-facts and --destination-facts",
    )
    for end in ("source", "destination"):
        parser.add_argument(
            f"--{end}-facts",
            metavar="FILE",
            type=pathlib.Path,
            help=f"what 'vfio-lm-host probe -f json' printed on the {end}, for --auto",
        )
    parser.add_argument(
        "--connect", metavar="URI", help="libvirt URI of the source (default: qemu:///system)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only check, and show the plan")
    parser.add_argument(
        "--force", action="store_true", help="move a domain of nova's, behind nova's back"
    )
    parser.add_argument("--bandwidth", metavar="MIB", type=_positive, help="at most MiB per second")
    parser.add_argument(
        "--downtime", metavar="MS", type=_positive, help="let the guest stand still for at most ms"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_positive, help="stop the migration after this time"
    )
    parser.add_argument(
        "--qemu-log",
        metavar="FILE",
        type=pathlib.Path,
        help="the destination's QEMU log of the domain, where it can be read from here",
    )


def run(args: argparse.Namespace) -> int:
    """Check, move and verify.

    :returns: see the epilog
    :raises VfioLmError: if the domain was not migrated
    """
    from vfio_lm.compute.libvirt.connection import connected
    from vfio_lm.compute.libvirt.migration import look_at

    if args.auto and None in (args.source_facts, args.destination_facts):
        raise _NotMigratedError(
            "--auto chooses from what both hosts' kernels say: run 'vfio-lm-host probe -f json > "
            "FILE' on each of them, and give the files as --source-facts and --destination-facts"
        )
    with connected(args.connect) as source:
        mapping = _mapping(args, source)
        with connected(args.destination, read_only=True) as destination:
            migration = look_at(source, destination, args.domain, mapping, is_forced=args.force)
        _show_plan(migration)
        _refuse(migration)
        if args.dry_run:
            print(
                "No obstacle was found. Whether the drivers take the devices' state shows only "
                "after a migration.\nNothing was changed: --dry-run."
            )
            return 0
        return _move(args, source, migration)


def _move(args: argparse.Namespace, source: Connection, migration: MigrationPlan) -> int:
    from vfio_lm.compute.libvirt.migration import Limits, migrate
    from vfio_lm.compute.libvirt.progress import JobProgressLine
    from vfio_lm.progress_line import ProgressLine

    line = ProgressLine(sys.stdout)
    # Whoever asks this process to end wants the migration to end, too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        limits = Limits(args.bandwidth, args.downtime, args.timeout)
        is_as_wished = migrate(source, migration, limits, JobProgressLine(line).show)
    finally:
        line.end()
        signal.signal(signal.SIGTERM, before)
    if not is_as_wished:
        print("It was too late to stop the migration.")
    print(f"Domain {migration.domain.name} was migrated to {migration.destination.uri}.")
    return _verify(args, migration)


def _verify(args: argparse.Namespace, migration: MigrationPlan) -> int:
    from vfio_lm.compute.libvirt.connection import connected
    from vfio_lm.compute.libvirt.verification import (
        EXIT_STATUS,
        ArrivalFinding,
        ArrivalVerdict,
        gather,
        judge,
        overall,
    )
    from vfio_lm.compute.libvirt.verify_command import show

    name = migration.domain.name
    expected = tuple(migration.mapping[source.address] for source in migration.domain.live.pci)
    try:
        with connected(args.destination, read_only=True) as destination:
            evidence = gather(destination, name, expected=expected, qemu_log=args.qemu_log)
        findings = judge(evidence)
    except VfioLmError as exc:
        # It was migrated: that the destination is silent now is no failure of the migration.
        findings = [ArrivalFinding(ArrivalVerdict.UNKNOWN, str(exc))]
    verdict = overall(findings)
    show(findings)
    if verdict is ArrivalVerdict.UNKNOWN:
        host = urllib.parse.urlsplit(args.destination).hostname or "DESTINATION"
        print(f"To verify it: ssh {host} vfio-lm-host verify {name}")
    return EXIT_STATUS[verdict]


def _mapping(args: argparse.Namespace, source: Connection) -> Mapping[PciAddress, PciAddress]:
    if args.auto:
        return _chosen(args, source)
    mapping: dict[PciAddress, PciAddress] = {}
    for here, there in args.map:
        if mapping.setdefault(here, there) != there:
            raise _NotMigratedError(
                f"--map: {here} is mapped to {mapping[here]} and to {there}: leave one of them out"
            )
    return mapping


def _chosen(args: argparse.Namespace, source: Connection) -> Mapping[PciAddress, PciAddress]:
    from vfio_lm.compute.libvirt.device_match import NoMatch, match
    from vfio_lm.compute.libvirt.match_command import settled
    from vfio_lm.pci.host_facts import read_host_facts

    here, there = read_host_facts(args.source_facts), read_host_facts(args.destination_facts)
    devices = []
    for each in source.domain(args.domain).live.pci:
        device = here.find(each.address)
        if device is None:
            raise _NotMigratedError(
                f"--source-facts: {args.source_facts} of host {here.host} has no device "
                f"{each.address}: take the facts of the host where the domain runs"
            )
        devices.append(settled(device, here.kernel, there))
    chosen = match(devices, there.devices, missing=there.missing_devices)
    if isinstance(chosen, NoMatch):
        names = ", ".join(map(str, chosen.contested))
        raise _NotMigratedError(
            f"--auto: host {there.host} has no free devices of the same kind for {names}: "
            "'vfio-lm-host match' with the same files shows for each device why it does not fit"
        )
    return dict(chosen.pairs)


def _show_plan(migration: MigrationPlan) -> None:
    from vfio_lm.compute.libvirt.migration_plan import warnings

    domain, destination = migration.domain, migration.destination
    print(f"domain {domain.name} ({domain.uuid}) to {destination.uri}")
    for here, there in migration.mapping.items():
        device = destination.devices.get(there)
        known = f"  {device.ids} {device.driver or 'no driver'}" if device else ""
        print(f"  {here} -> {there}{known}")
    for warning in warnings(migration):
        print(f"  warning: {warning}")
    sys.stdout.flush()


def _refuse(migration: MigrationPlan) -> None:
    from vfio_lm.compute.libvirt.migration_plan import refusals

    reasons = refusals(migration)
    if reasons:
        lines = "".join(f"\n  - {reason}" for reason in reasons)
        raise _NotMigratedError(f"domain {migration.domain.name} was not migrated:{lines}")


def _pair(text: str) -> tuple[PciAddress, PciAddress]:
    here, separator, there = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form SRC=DST")
    try:
        return PciAddress.parse(here), PciAddress.parse(there)
    except AddressError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _positive(text: str) -> int:
    number = whole_number(text)
    if not number:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return number
