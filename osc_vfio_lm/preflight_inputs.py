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

"""The options that tell a preflight what no API tells; what follows from it is elsewhere."""

from __future__ import annotations

import argparse
import datetime
import re
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_vfio_lm import nova_conf

if TYPE_CHECKING:
    from vfio_lm.preflight import Inputs

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"^(\d{1,9})([smhd]?)$")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --nova-conf, --host-facts and --max-age."""
    nova_conf.add_option(parser, takes_hosts=True)
    parser.add_argument(
        "--host-facts",
        metavar="<path>",
        action="append",
        default=[],
        help="What 'vfio-lm-host probe -f json' wrote on a host, or a folder of such files with "
        "names that end in .json (repeat option for other files; of two files of one host the "
        "younger one counts)",
    )
    parser.add_argument(
        "--max-age",
        metavar="<duration>",
        default="1h",
        help="Warn of host facts that are older, for example 90m, 2h, 1d or 3600 (default: 1h)",
    )


def read(parsed_args: argparse.Namespace) -> Inputs:
    """Return what the files say.

    :raises vfio_lm.errors.ConfigError: if a nova.conf cannot be read, nova would refuse it, or it
        is another host's
    :raises vfio_lm.pci.host_facts.HostFactsError: if a file is no host facts file
    :raises osc_lib.exceptions.CommandError: if the age is no duration
    """
    from vfio_lm.preflight.gather.input_files import read_inputs

    by_host: dict[str | None, list[str]] = {}
    for host, path in map(nova_conf.split_label, nova_conf.paths(parsed_args)):
        by_host.setdefault(host, []).append(path)
    return read_inputs(
        by_host.pop(None, []),
        {host: paths for host, paths in by_host.items() if host is not None},
        parsed_args.host_facts,
        max_age=_duration(parsed_args.max_age),
    )


def _duration(text: str) -> datetime.timedelta:
    match = _DURATION.match(text)
    if match is None:
        # Not argparse's business: its exit status would be that of a blocked server.
        raise exceptions.CommandError(
            f"argument --max-age: '{text}' is no duration such as 90m, 2h, 1d or 3600"
        )
    return datetime.timedelta(seconds=int(match.group(1)) * _UNITS[match.group(2)])
