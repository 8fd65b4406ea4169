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

"""Reading nova.conf files the way nova does, with oslo.config; the only reader of files here."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence

from oslo_config import cfg

from vfio_lm.errors import ConfigError
from vfio_lm.pci.alias import Alias, AliasError, parse_aliases

# nova/conf/pci.py and nova/conf/scheduler.py (nova 34.0.0)
_PCI_OPTS = (
    cfg.MultiStrOpt("alias", default=[], deprecated_name="pci_alias", deprecated_group="DEFAULT"),
)
_SCHEDULER_OPTS = (cfg.BoolOpt("pci_in_placement"),)


@dataclasses.dataclass(frozen=True, slots=True)
class NovaConf:
    """What one service's configuration says about PCI devices."""

    sources: tuple[str, ...]
    """The files and folders it was read from."""
    aliases: Mapping[str, Alias]
    """``[pci]alias`` by name."""
    pci_in_placement: bool | None
    """``[filter_scheduler]pci_in_placement``, or None where the files do not say.

    Only the scheduler's own nova.conf proves what an absent option means.
    """


def read_nova_conf(paths: Sequence[str | os.PathLike[str]]) -> NovaConf:
    """Read files (later ones override earlier ones) and conf.d folders as one configuration.

    :raises ConfigError: if a path cannot be read, is no configuration file, or holds a value
        that nova would refuse; the text names file, option and value
    """
    names = [os.fspath(path) for path in paths]
    conf = _parse(names)
    in_placement = conf.filter_scheduler.pci_in_placement
    try:
        aliases = parse_aliases(conf.pci.alias, pci_in_placement=bool(in_placement))
    except AliasError as exc:
        raise ConfigError(
            _file_with_alias(names, exc.value), "[pci]alias", exc.value, exc.reason
        ) from None
    return NovaConf(sources=tuple(names), aliases=aliases, pci_in_placement=in_placement)


def _parse(names: Iterable[str]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf.register_opts(_PCI_OPTS, group="pci")
    conf.register_opts(_SCHEDULER_OPTS, group="filter_scheduler")
    arguments = []
    for name in names:
        _refuse_unreadable(name)
        arguments += ["--config-dir" if os.path.isdir(name) else "--config-file", name]
    try:
        conf(arguments, project="nova", default_config_files=[], default_config_dirs=[])
        conf.pci.alias  # noqa: B018 - values are only parsed when they are asked for
        conf.filter_scheduler.pci_in_placement  # noqa: B018
    except cfg.ConfigFileParseError as exc:
        raise ConfigError(exc.config_file, "", "", f"not a configuration file: {exc.msg}") from None
    except cfg.ConfigFileValueError as exc:
        raise ConfigError(", ".join(names), "", "", str(exc)) from None
    except UnicodeDecodeError as exc:
        raise ConfigError(", ".join(names), "", "", f"not a text file: {exc.reason}") from None
    return conf


def _refuse_unreadable(name: str) -> None:
    try:
        if os.path.isdir(name):
            os.listdir(name)
        else:
            with open(name, encoding="utf-8"):
                pass
    except OSError as exc:
        raise ConfigError(name, "", "", f"cannot be read: {exc.strerror}") from None


def _file_with_alias(names: Sequence[str], value: str) -> str:
    """Find the file that a value came from, by reading each of them alone."""
    for name in names:
        if value in _parse([name]).pci.alias:
            return name
    return ", ".join(names)
