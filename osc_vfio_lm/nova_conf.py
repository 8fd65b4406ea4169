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

"""The option ``--nova-conf``, which tells commands what aliases mean; what it says is elsewhere."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vfio_lm.pci import Alias, NovaConf

_DEFAULT = "(default: env[OS_VFIO_NOVA_CONF], or /etc/nova/nova.conf where it can be read)"


def add_option(
    parser: argparse.ArgumentParser, *, is_labelled: bool = False, takes_hosts: bool = False
) -> None:
    """Add the option.

    :param is_labelled: whether several services are told apart by a label
    :param takes_hosts: whether the files of hosts may be given as well
    """
    if is_labelled:
        metavar = "[<label>=]<file>"
        text = (
            "nova.conf of a service, or a folder of such files (repeat option for other services)"
        )
    else:
        metavar = "[<hostname>=]<file>" if takes_hosts else "<file>"
        text = (
            "nova.conf of nova-api and nova-scheduler, or a folder of such files (repeat option to "
            "read several as one configuration)"
        )
        if takes_hosts:
            text += (
                "; with a hostname, the nova.conf of nova-compute on that host (repeat option for "
                "other hosts; before a file whose own name holds '=' write ./)"
            )
    parser.add_argument(
        "--nova-conf", metavar=metavar, action="append", default=[], help=f"{text} {_DEFAULT}"
    )


def split_label(text: str) -> tuple[str | None, str]:
    """Return the label in front of a path, if there is one, and the path.

    What holds a slash is no label, so that any file can be named.
    """
    label, is_labelled, path = text.partition("=")
    return (label, path) if is_labelled and os.sep not in label else (None, text)


def paths(parsed_args: argparse.Namespace) -> Sequence[str]:
    """Return the files that were named, or those that are looked at without; perhaps none."""
    from vfio_lm.pci import default_nova_conf_paths

    named: Sequence[str] = parsed_args.nova_conf
    return named or default_nova_conf_paths(os.environ)


def read(parsed_args: argparse.Namespace) -> NovaConf | None:
    """Return what the files say, or None if there are no files.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    from vfio_lm.pci import read_nova_conf

    found = paths(parsed_args)
    return read_nova_conf(found) if found else None


def read_aliases(parsed_args: argparse.Namespace) -> Mapping[str, Alias] | None:
    """Return the aliases that the files define, or None if there are no files.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    conf = read(parsed_args)
    return conf.aliases if conf else None
