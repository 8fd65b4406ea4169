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

"""The options that name files, with one grammar in every command; what the files say is elsewhere.

``--nova-conf <path>`` is the nova.conf of nova-api, ``--nova-conf <hostname>=<path>`` that of the
nova-compute on a host, ``--nova-conf-dir`` a folder with those of many hosts, and ``--host-facts``
what ``vfio-lm-host probe`` wrote on hosts, ``--nova-says`` what ``vfio-lm-nova`` wrote.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from osc_lib import exceptions

if TYPE_CHECKING:
    from vfio_lm.pci import Alias, NovaConf
    from vfio_lm.preflight import Inputs

_API = (
    "nova.conf of nova-api and nova-scheduler, or a folder of files that make it up (repeat option "
    "to read several as one configuration) (default: env[OS_VFIO_NOVA_CONF], or "
    "/etc/nova/nova.conf where it can be read)"
)

NO_API_CONF = (
    "the nova.conf of nova-api is needed, and /etc/nova/nova.conf cannot be read: name it with "
    "--nova-conf or OS_VFIO_NOVA_CONF"
)
"""For a command that can do nothing without."""

_NOVA_SAYS = "OS_VFIO_NOVA_SAYS"
"""Stands for --nova-says; the separator of PATH is between files."""

_NONE = "none"
"""Instead of a file: nova itself is not asked."""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"^(\d{1,9})([smhd]?)$")


@dataclasses.dataclass(frozen=True)
class NovaConfPaths:
    """Which files are the nova.conf of which service."""

    api: tuple[str, ...]
    """Of nova-api: those that were named, or those that are looked at without; perhaps none."""
    hosts: Mapping[str, tuple[str, ...]]
    """Of the nova-compute of hosts, by host."""


def add_api_conf(parser: argparse.ArgumentParser) -> None:
    """Add --nova-conf to a command for which only nova-api's counts."""
    parser.add_argument("--nova-conf", metavar="<path>", action="append", default=[], help=_API)


def add_confs(parser: argparse.ArgumentParser) -> None:
    """Add --nova-conf and --nova-conf-dir to a command that reads the files of hosts as well."""
    parser.add_argument(
        "--nova-conf",
        metavar="[<hostname>=]<path>",
        action="append",
        default=[],
        help=f"{_API}; with a hostname, nova.conf of the nova-compute on that host "
        "(repeat option for other hosts; write ./ before a path that holds '=' itself)",
    )
    parser.add_argument(
        "--nova-conf-dir",
        metavar="<folder>",
        help="Folder with the nova.conf of the nova-compute of many hosts, each as "
        "<hostname>.conf or as a folder <hostname>/ of files that make it up; at least the "
        "section [pci] of each",
    )


def add_host_facts(parser: argparse.ArgumentParser) -> None:
    """Add --host-facts."""
    parser.add_argument(
        "--host-facts",
        metavar="<path>",
        action="append",
        default=[],
        help="What 'vfio-lm-host probe -f json' wrote on a host, or a folder of such files with "
        "names that end in .json (repeat option for other files; of two files of one host the "
        "younger one counts)",
    )


def add_nova_says(parser: argparse.ArgumentParser) -> None:
    """Add --nova-says."""
    parser.add_argument(
        "--nova-says",
        metavar="<path>",
        action="append",
        default=[],
        help="What 'vfio-lm-nova' wrote on a controller: a dry run by nova's own code, which "
        "decides what nova decides (repeat option for other files; the youngest that knows a "
        f"server counts); '{_NONE}': do without (default: env[{_NOVA_SAYS}], or nova-api is asked "
        "if it serves the dry run)",
    )


def add_preflight_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the options for what a preflight needs to know and no API shows."""
    add_confs(parser)
    add_host_facts(parser)
    add_nova_says(parser)
    parser.add_argument(
        "--max-age",
        metavar="<duration>",
        type=_duration,
        default="1h",
        help="Warn of host facts and files of --nova-says that are older; the latter do not count "
        "then; for example 90m, 2h, 1d or 3600 (default: 1h)",
    )


def conf_paths(parsed_args: argparse.Namespace) -> NovaConfPaths:
    """Return which files were named, and for nova-api those that are looked at without.

    :raises vfio_lm.errors.ConfigError: if the folder cannot be read, or has two for one host
    :raises osc_lib.exceptions.CommandError: if the folder describes no host, or one that was named
    """
    from vfio_lm.pci import default_nova_conf_paths
    from vfio_lm.pci.hosts import conf_files

    api: list[str] = []
    hosts: dict[str, list[str]] = collections.defaultdict(list)
    for text in parsed_args.nova_conf:
        host, path = _split(text)
        (api if host is None else hosts[host]).append(path)
    if folder := parsed_args.nova_conf_dir:
        found = conf_files(folder)
        if not found:
            raise exceptions.CommandError(
                f"{folder} has no file <hostname>.conf and no folder <hostname>/"
            )
        for host, path in found.items():
            if hosts[host]:
                raise exceptions.CommandError(
                    f"host {host} is described twice: in {path}, and with --nova-conf {host}=…"
                )
            hosts[host].append(path)
    return NovaConfPaths(
        api=tuple(api) or default_nova_conf_paths(os.environ),
        hosts={host: tuple(paths) for host, paths in hosts.items()},
    )


def api_conf_paths(parsed_args: argparse.Namespace) -> Sequence[str]:
    """Return the files of nova-api for a command for which only these count; perhaps none.

    :raises osc_lib.exceptions.CommandError: if the file of a host was named
    """
    from vfio_lm.pci import default_nova_conf_paths

    for text in parsed_args.nova_conf:
        host, path = _split(text)
        if host is not None:
            raise exceptions.CommandError(
                f"argument --nova-conf: '{text}' is the nova.conf of host {host}, and only that of "
                f"nova-api counts here; if the name of the file holds '=', write ./{host}={path}"
            )
    return tuple(parsed_args.nova_conf) or default_nova_conf_paths(os.environ)


def required_api_conf_paths(parsed_args: argparse.Namespace) -> Sequence[str]:
    """Return the files of nova-api, at least one.

    :raises osc_lib.exceptions.CommandError: if there is none, or the file of a host was named
    """
    paths = api_conf_paths(parsed_args)
    if not paths:
        raise exceptions.CommandError(NO_API_CONF)
    return paths


def read_api_conf(parsed_args: argparse.Namespace) -> NovaConf | None:
    """Return what nova-api's files say, or None if there are no files.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    from vfio_lm.pci import read_nova_conf

    paths = api_conf_paths(parsed_args)
    return read_nova_conf(paths) if paths else None


def read_aliases(parsed_args: argparse.Namespace) -> Mapping[str, Alias] | None:
    """Return the aliases that nova-api's files define, or None if there are no files.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    conf = read_api_conf(parsed_args)
    return conf.aliases if conf else None


def read_preflight_inputs(parsed_args: argparse.Namespace) -> Inputs:
    """Return what a preflight needs to know beyond the APIs.

    :raises vfio_lm.errors.ConfigError: if a nova.conf cannot be read, nova would refuse it, or it
        is another host's
    :raises vfio_lm.pci.host_facts.HostFactsError: if a file is no host facts file
    :raises vfio_lm.pci.nova_word.NovaWordError: if a file does not hold nova's word
    """
    from vfio_lm.preflight.gather.input_files import read_inputs

    confs = conf_paths(parsed_args)
    nova_says = parsed_args.nova_says or _listed(os.environ.get(_NOVA_SAYS, ""))
    return read_inputs(
        confs.api,
        confs.hosts,
        parsed_args.host_facts,
        nova_says=[path for path in nova_says if path != _NONE],
        asks_nova=_NONE not in nova_says,
        max_age=parsed_args.max_age,
    )


def inputs_of_environment() -> Inputs:
    """Return the same for a command without such options.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    parser = argparse.ArgumentParser()
    add_preflight_inputs(parser)
    return read_preflight_inputs(parser.parse_args([]))


def _listed(text: str) -> list[str]:
    return [path for path in text.split(os.pathsep) if path]


def _split(text: str) -> tuple[str | None, str]:
    """Return the hostname in front of a path, if there is one, and the path.

    What holds a slash is no hostname, so that any file can be named.
    """
    host, is_named, path = text.partition("=")
    return (host, path) if is_named and os.sep not in host else (None, text)


def _duration(text: str) -> datetime.timedelta:
    match = _DURATION.match(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no duration such as 90m, 2h, 1d or 3600")
    return datetime.timedelta(seconds=int(match.group(1)) * _UNITS[match.group(2)])
