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

"""``vfio-lm-host match``: two hosts' facts and a domain's XML in, a map out; no rule is here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts, read_host_facts
from vfio_lm.pci.input_file import InputFileError, read_file
from vfio_lm.text import listed

if TYPE_CHECKING:
    from vfio_lm.compute.libvirt.device_match import Match, MatchCandidates, NoMatch

SUMMARY = "choose the destination's devices for a server's devices"

_FOUND, _NONE_FITS, _UNKNOWN = 0, 2, 3
_LARGEST_BYTES = 8 * 1024 * 1024
_ADDRESSES_SHOWN = 4

_DESCRIPTION = """\
Choose a free device of the destination for each PCI device of a server: the same IDs, kind, driver,
vGPU type and firmware (where both are known), and every migration flag of the source's device.
Devices of one NUMA node stay together where they can, and so do those of one PF.

Prints a line SRC=DST for each device, as --map of remap and migrate takes it; or, on the standard
error, why no device fits. The facts are as old as the files: take them again before a migration.
"""
_EPILOG = """\
exit status:
  0  found
  1  the command failed
  2  none fits: not every device of the server gets one
  3  unknown: the facts lack what decides

example:
  vfio-lm-host match --source host1.json --destination host2.json --domain instance-0000000a.xml
with host1.json from "vfio-lm-host probe -f json" on host1, host2.json from the same on host2, and
the XML from "virsh dumpxml instance-0000000a" on host1.
"""


class MatchError(VfioLmError):
    """A server's devices and the facts do not go together."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument(
        "--source", metavar="FACTS", required=True, help="host facts file of the server's host"
    )
    parser.add_argument(
        "--destination", metavar="FACTS", required=True, help="host facts file of the other host"
    )
    parser.add_argument(
        "--domain",
        metavar="XML",
        required=True,
        help="file with the domain's XML; - reads the standard input",
    )
    parser.add_argument(
        "--ignore-firmware",
        action="store_true",
        help="take devices with another firmware, too; the driver may refuse the state then",
    )
    parser.add_argument(
        "-f",
        "--format",
        choices=("table", "json"),
        default="table",
        help="table (default) prints SRC=DST lines; json has the reasons, too",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command.

    :raises VfioLmError: if a file cannot be read, or the source's facts lack a device
    """
    from vfio_lm.compute.domain.devices import read_devices
    from vfio_lm.compute.domain.remap import refuse_arguments
    from vfio_lm.compute.libvirt.device_match import Match, match

    source = read_host_facts(args.source)
    destination = read_host_facts(args.destination)
    if source.host == destination.host:
        raise MatchError(f"{args.source} and {args.destination} are both of host {source.host}")
    domain = read_devices(_read(args.domain))
    # A map would leave these at the addresses that they have on the source.
    refuse_arguments(domain, {}, strict=True)
    devices = _find(source, [each.address for each in domain.pci], args.source)
    devices = [settled(each, source.kernel, destination) for each in devices]
    result = match(
        devices,
        destination.devices,
        missing=destination.missing_devices,
        ignores_firmware=args.ignore_firmware,
    )
    if args.format == "json":
        print(json.dumps(_plain(result), indent=1))
    elif isinstance(result, Match):
        _print_match(result)
    else:
        sys.stderr.writelines(f"{line}\n" for line in _explain(result, destination))
    if isinstance(result, Match):
        return _FOUND
    return _UNKNOWN if result.is_unknown else _NONE_FITS


def settled(device: DeviceFacts, kernel: str | None, destination: HostFacts) -> DeviceFacts:
    """Return a device of the source with the flags that are known though it is in use.

    :param kernel: the release of its host's kernel
    """
    from vfio_lm.pci.driver_flags import with_constant_flags, with_flags_of_alike

    return with_flags_of_alike(with_constant_flags(device, kernel), kernel, destination)


def _read(path: str) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read(_LARGEST_BYTES + 1)
        return read_file(path, _LARGEST_BYTES)
    except InputFileError as exc:
        raise MatchError(str(exc)) from None


def _find(facts: HostFacts, wanted: Sequence[PciAddress], location: str) -> list[DeviceFacts]:
    found = []
    for address in wanted:
        device = facts.find(address)
        if device is None and facts.missing_devices:
            raise MatchError(
                f"{location}: the facts of {facts.host} lack {address}, which the domain's XML "
                f"names: {facts.missing_devices}"
            )
        if device is None:
            raise MatchError(
                f"{location}: host {facts.host} has no device {address}, and the domain's XML "
                f"names it: is this the server's host? If so, probe it again"
            )
        if device in found:
            raise MatchError(f"the domain's XML names {address} twice, which libvirt refuses")
        found.append(device)
    return found


def _print_match(match: Match) -> None:
    for source, destination in match.pairs:
        print(f"{source}={destination}")
    notes = {
        "the domain has no PCI hostdev, so there is nothing to map": not match.pairs,
        "devices of one NUMA node go to different nodes: none better is free": match.split_nodes,
        "devices do not keep to the same PFs: none better is free": match.changed_pfs,
    }
    sys.stderr.writelines(f"vfio-lm-host: note: {text}\n" for text, holds in notes.items() if holds)


def _explain(result: NoMatch, destination: HostFacts) -> Iterator[str]:
    host = destination.host
    verdict = "it is unknown whether a device fits" if result.is_unknown else "no device fits"
    contested = [each for each in result.candidates if each.source in result.contested]
    for each in contested:
        if not each.fitting:
            yield f"{each.source}: {verdict} on {host}"
            yield from _refusals(each)
    rivals = [each for each in contested if each.fitting]
    if rivals and len(rivals) == len(contested):
        fitting = sorted({address for each in rivals for address in each.fitting})
        sources = ", ".join(str(each.source) for each in rivals)
        yield f"{sources}: only {len(fitting)} free devices fit these {len(rivals)} on {host}"
        yield f"  fit: {listed(fitting, _ADDRESSES_SHOWN)}"
        for each in rivals:
            yield f"{each.source}:"
            yield from _refusals(each)
    if destination.missing_devices:
        yield f"the facts of {host} do not show every device: {destination.missing_devices}"


def _refusals(candidates: MatchCandidates) -> Iterator[str]:
    if not candidates.refused:
        yield "  the facts of the destination name no other device"
    for refusal, addresses in candidates.refused.items():
        yield f"  {listed(addresses, _ADDRESSES_SHOWN)}: {refusal.reason}"


def _plain(result: Match | NoMatch) -> dict[str, Any]:
    from vfio_lm.compute.libvirt.device_match import Match

    if isinstance(result, Match):
        return {
            "result": "found",
            "map": {str(source): str(destination) for source, destination in result.pairs},
            "split_nodes": result.split_nodes,
            "changed_pfs": result.changed_pfs,
        }
    return {
        "result": "unknown" if result.is_unknown else "none fits",
        "contested": [str(address) for address in result.contested],
        "devices": [
            {
                "source": str(each.source),
                "fitting": [str(address) for address in each.fitting],
                "refused": [
                    {
                        "reason": refusal.reason,
                        "is_unknown": refusal.is_unknown,
                        "destinations": [str(address) for address in addresses],
                    }
                    for refusal, addresses in each.refused.items()
                ],
            }
            for each in result.candidates
        ],
    }
