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

"""``vfio-lm-host remap``: a domain's XML in, the same with other devices out; no rule is here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from vfio_lm.compute.domain.devices import LARGEST_BYTES, DomainXmlError
from vfio_lm.compute.domain.remap import RemapError, remap
from vfio_lm.compute.domain.schema import DomainSchema

SUMMARY = "give the PCI devices in a domain's XML other addresses, all at once"

_DESCRIPTION = """\
Read a domain's XML from the standard input, and write it with other host devices to the standard
output. All addresses are replaced at once, so that two devices can change places. Nothing else in
the text changes. If anything is wrong, nothing is written.
"""

_EPILOG = """\
example:
  virsh dumpxml --migratable DOMAIN |
    vfio-lm-host remap --map 0000:81:00.1=0000:82:00.4 > destination.xml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add_map_arguments(parser)
    parser.add_argument(
        "--strict",
        action="store_true",
        help="refuse a domain with a PCI or mediated device that is not in the map, or is passed "
        "to QEMU as an argument; without this, such a device keeps its address",
    )
    parser.add_argument(
        "--validate",
        action="store_true",
        help="check the result against libvirt's own schema, which has to be installed",
    )


def add_map_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare the arguments that say which device becomes which."""
    parser.add_argument(
        "--map",
        metavar="SRC=DST",
        action="append",
        default=[],
        help="the PCI address of a device on the source and on the destination, for example "
        "0000:81:00.1=0000:82:00.4; repeat it for each device",
    )
    parser.add_argument(
        "--mdev",
        metavar="SRC=DST",
        action="append",
        default=[],
        help="the UUID of a mediated device on the source and on the destination; repeat it for "
        "each device",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command.

    :raises VfioLmError: if the XML cannot be changed as wanted
    """
    xml = _read()
    result = remap(
        xml,
        parse_map("--map", args.map),
        mdevs=parse_map("--mdev", args.mdev),
        strict=args.strict,
    )
    if args.validate:
        _validate(xml, result)
    sys.stdout.buffer.write(result.encode())
    sys.stdout.buffer.flush()
    return 0


def parse_map(option: str, values: Iterable[str]) -> dict[str, str]:
    """Read what was given for an option of :func:`add_map_arguments`.

    :raises RemapError: if a value has no equals sign, or a source is there twice
    """
    result: dict[str, str] = {}
    for value in values:
        source, sign, destination = value.partition("=")
        if not sign:
            raise RemapError(f"{option} {value}: write SRC=DST")
        if source in result:
            raise RemapError(f"{option} {value}: {source} has been given already")
        result[source] = destination
    return result


def _read() -> str:
    content = sys.stdin.buffer.read(LARGEST_BYTES + 1)
    try:
        # A declaration of another encoding is no matter: libvirt writes UTF-8 only.
        return content.decode()
    except UnicodeDecodeError:
        raise DomainXmlError("is not UTF-8, and libvirt writes nothing else") from None


def _validate(before: str, after: str) -> None:
    schema = DomainSchema()
    mistake = schema.mistake(before)
    if mistake is not None:
        print(
            f"The domain XML did not follow libvirt's schema before it was changed ({mistake}), "
            "so that the result was not checked.",
            file=sys.stderr,
        )
        return
    mistake = schema.mistake(after)
    if mistake is not None:
        raise RemapError(f"the result does not follow libvirt's schema: {mistake}")
