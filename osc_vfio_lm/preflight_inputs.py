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
import os
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_vfio_lm import nova_conf

if TYPE_CHECKING:
    from vfio_lm.pci.host_facts import HostFacts
    from vfio_lm.preflight import HostKnowledge, Inputs

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"^(\d{1,9})([smhd]?)$")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --nova-conf, --host-facts and --max-age."""
    nova_conf.add_option(parser, takes_hosts=True)
    parser.add_argument(
        "--host-facts",
        metavar="<folder>",
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
    from vfio_lm.pci import read_nova_conf
    from vfio_lm.pci.nova_conf import last_changed
    from vfio_lm.preflight import Inputs

    by_host: dict[str | None, list[str]] = {}
    for host, path in map(nova_conf.split_label, nova_conf.paths(parsed_args)):
        by_host.setdefault(host, []).append(path)
    of_api = by_host.pop(None, [])
    conf = read_nova_conf(of_api) if of_api else None
    facts_files = _facts_files(parsed_args.host_facts)
    return Inputs(
        now=datetime.datetime.now(datetime.UTC),
        aliases=conf.aliases if conf else None,
        pci_in_placement=conf.pci_in_placement if conf else None,
        skips_version_check=conf.skips_version_check if conf else None,
        aliases_changed_at=last_changed(of_api) if conf else None,
        hosts=_hosts(
            {host: paths for host, paths in by_host.items() if host is not None}, facts_files
        ),
        max_age=_duration(parsed_args.max_age),
        files=(*of_api, *(path for paths in by_host.values() for path in paths), *facts_files),
    )


def _hosts(
    conf_paths: Mapping[str, Sequence[str]], facts_files: Iterable[str]
) -> Mapping[str, HostKnowledge]:
    from vfio_lm.errors import ConfigError
    from vfio_lm.pci import read_nova_conf
    from vfio_lm.pci.host_facts import read_host_facts
    from vfio_lm.preflight import HostKnowledge

    confs = {host: read_nova_conf(paths) for host, paths in conf_paths.items()}
    for host, conf in confs.items():
        if conf.host not in (None, host):
            where = ", ".join(conf.sources)
            raise ConfigError(
                where, "[DEFAULT]host", str(conf.host), f"this is not the nova.conf of host {host}"
            )
    facts: dict[str, HostFacts] = {}
    for path in facts_files:
        found = read_host_facts(path)
        known = facts.get(found.host)
        if known is None or known.taken_at < found.taken_at:
            facts[found.host] = found
    return {
        host: HostKnowledge(conf=confs.get(host), facts=facts.get(host))
        for host in sorted(confs.keys() | facts.keys())
    }


def _facts_files(paths: Iterable[str]) -> list[str]:
    files = []
    for path in paths:
        if os.path.isdir(path):
            files += sorted(map(str, pathlib.Path(path).glob("*.json")))
        else:
            files.append(path)
    return files


def _duration(text: str) -> datetime.timedelta:
    match = _DURATION.match(text)
    if match is None:
        # Not argparse's business: its exit status would be that of a blocked server.
        raise exceptions.CommandError(
            f"argument --max-age: '{text}' is no duration such as 90m, 2h, 1d or 3600"
        )
    return datetime.timedelta(seconds=int(match.group(1)) * _UNITS[match.group(2)])
