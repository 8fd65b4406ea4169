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

"""What the agent is configured to do, checked as a whole; how it does it is elsewhere.

Settings are read again on SIGHUP. They are complete or refused: an agent never runs with one half
of the old ones and one half of the new ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata

from oslo_config import cfg
from oslo_log import log as logging

from placement_sync.agent import opts
from placement_sync.agent.backend_url import Coordination, read_backend_url
from placement_sync.engine.sources import HostFolder, OwnHost
from vfio_lm.errors import ConfigError, OptionError
from vfio_lm.pci import Alias, read_nova_conf
from vfio_lm.pci.conf_text import ConfText, Setting, read_conf_text, refuse_unreadable
from vfio_lm.pci.program_conf import program_configured
from vfio_lm.quoting import refusal_of_value

PROJECT = "vfio-placement-sync"

DEFAULT_NOVA_CONF = "/etc/nova/nova.conf"

_DESCRIPTION = """
Keeps the live-migration traits of resource providers in placement as nova.conf and the hosts'
devices require. On a compute host it reads nova's own nova.conf and uses the credentials of its
[placement] section, so that it needs no configuration. For many hosts it reads a folder with one
nova.conf for each ([vfio_placement_sync]nova_conf_dir). Try it with --dry-run, which writes
nothing.
"""

_EPILOG = """
SIGHUP reads the configuration again, SIGTERM ends the agent after the write in hand.
A sample configuration: oslo-config-generator --namespace vfio_placement_sync --namespace oslo.log
"""

_QUIET_LIBRARIES = ("tooz=ERROR", "urllib3.connectionpool=ERROR")
"""What they would say of an event, the agent says itself in one line."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """All options of the agent but its credentials."""

    source: OwnHost | HostFolder
    is_once: bool = False
    is_dry_run: bool = False
    interval: int = 60
    """Seconds."""
    jitter: float = 0.1
    """Share of the interval."""
    aliases: Mapping[str, Alias] | None = None
    """Of nova-api; None: aliases and flavors are not looked at."""
    manage_flavors: bool = False
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    unhealthy_after: int = 3
    """Intervals."""
    round_timeout: int = 240
    """Seconds."""
    coordination: Coordination | None = None

    @property
    def fixed(self) -> tuple[str, int, Coordination | None]:
        """What cannot change while the agent runs."""
        return (self.metrics_host, self.metrics_port, self.coordination)

    def with_fixed_of(self, other: Settings) -> Settings:
        """Return these settings with what cannot change taken from others."""
        return dataclasses.replace(
            self,
            metrics_host=other.metrics_host,
            metrics_port=other.metrics_port,
            coordination=other.coordination,
        )


def parse_arguments(arguments: Sequence[str]) -> cfg.ConfigOpts:
    """Read the command line and the configuration files that it names, or the usual ones.

    :raises ConfigError: if a file cannot be read, or a value is not valid
    """
    conf = cfg.ConfigOpts()
    logging.register_options(conf)
    logging.set_defaults(default_log_levels=[*logging.get_default_log_levels(), *_QUIET_LIBRARIES])
    opts.register(conf)
    files = _named_files(arguments)
    for path in files:
        refuse_unreadable(path)
    try:
        with program_configured(files):
            conf(
                list(arguments),
                project=PROJECT,
                prog=PROJECT,
                version=metadata.version("openstack-vfio-lm"),
                description=_DESCRIPTION,
                epilog=_EPILOG,
            )
    except (
        cfg.ConfigFilesNotFoundError,
        cfg.ConfigFilesPermissionDeniedError,
        cfg.ConfigDirNotFoundError,
        cfg.RequiredOptError,
    ) as exc:
        raise ConfigError("the configuration", "", "", str(exc)) from None
    _check_values(conf)
    return conf


def _named_files(arguments: Sequence[str]) -> list[str]:
    """Return the files and folders that the configuration is read from.

    They are looked at before: oslo.config would wait for a pipe, and for a file without an end.
    """
    parser = argparse.ArgumentParser(add_help=False)
    for option in ("--config-file", "--config-dir"):
        parser.add_argument(option, action="append", dest="paths", nargs="?")
    named, _ = parser.parse_known_args(list(arguments))
    usual = (*cfg.find_config_files(project=PROJECT), *cfg.find_config_dirs(project=PROJECT))
    return [path for path in named.paths or usual if path]


def read_settings(conf: cfg.ConfigOpts) -> Settings:
    """Return the settings of a configuration.

    :raises ConfigError: if options contradict each other
    """
    own = conf[opts.GROUP]
    return Settings(
        source=_source(conf),
        is_once=conf.once or conf.dry_run,
        is_dry_run=conf.dry_run,
        interval=own.interval,
        jitter=own.jitter,
        aliases=_aliases(conf),
        manage_flavors=own.manage_flavors,
        metrics_host=own.metrics_host,
        metrics_port=own.metrics_port,
        unhealthy_after=own.unhealthy_after,
        round_timeout=own.round_timeout,
        coordination=_coordination(conf),
    )


def nova_conf_paths(conf: cfg.ConfigOpts) -> tuple[str, ...]:
    """Return the files that nova-compute of the own host reads.

    Where no option names them they are those of the agent's own configuration files that are a
    nova.conf, which another section than the agent's shows, or else nova's usual file.
    """
    named = tuple(conf[opts.GROUP].nova_conf or ())
    if named:
        return named
    sections = {"DEFAULT", *opts.OWN_OPTS, opts.PLACEMENT, opts.NOVA}
    if auth_section := _written(conf).last(f"[{opts.PLACEMENT}]auth_section"):
        sections.add(auth_section.value)
    given = tuple(
        path
        for path in (*conf.config_file, *conf.config_dirs)
        if any(setting.section not in sections for setting in read_conf_text([path]).settings)
    )
    return given or (DEFAULT_NOVA_CONF,)


def _source(conf: cfg.ConfigOpts) -> OwnHost | HostFolder:
    own = conf[opts.GROUP]
    if own.nova_conf_dir is None:
        if own.host_facts_dir is not None:
            raise _mistake(
                conf,
                "host_facts_dir",
                "is only for central mode: set nova_conf_dir too, or host_facts instead of this",
            )
        return OwnHost(
            paths=nova_conf_paths(conf),
            hypervisor_hostname=own.hypervisor_hostname,
            facts_path=own.host_facts,
        )
    for name in ("nova_conf", "hypervisor_hostname", "host_facts"):
        if own[name]:
            raise _mistake(
                conf,
                name,
                "speaks of one host and cannot be set together with nova_conf_dir, which speaks of "
                "many: remove one of the two",
            )
    for name in ("nova_conf_dir", "host_facts_dir"):
        if own[name] is not None and not os.path.isdir(own[name]):
            raise _mistake(conf, name, "is not a folder: name the folder with the hosts' files")
    return HostFolder(own.nova_conf_dir, own.host_facts_dir)


def _aliases(conf: cfg.ConfigOpts) -> Mapping[str, Alias] | None:
    own = conf[opts.GROUP]
    if own.api_nova_conf and own.nova_conf_dir is None:
        raise _mistake(
            conf,
            "api_nova_conf",
            "is only for central mode, because flavors belong to the whole cloud: set "
            "nova_conf_dir too, or remove this",
        )
    if own.manage_flavors and not own.api_nova_conf:
        raise _mistake(
            conf,
            "manage_flavors",
            "needs to know the aliases of nova-api: name its nova.conf in api_nova_conf",
        )
    return read_nova_conf(own.api_nova_conf).aliases if own.api_nova_conf else None


def _coordination(conf: cfg.ConfigOpts) -> Coordination | None:
    own = conf[opts.COORDINATION]
    if not own.backend_url:
        return None
    place = _place(conf, opts.COORDINATION, "backend_url")
    option = f"[{opts.COORDINATION}]backend_url"
    if conf[opts.GROUP].nova_conf_dir is None:
        raise ConfigError(
            place,
            option,
            "",
            "is only for central mode, where agents share hosts: set "
            f"[{opts.GROUP}]nova_conf_dir, or remove this",
        )
    try:
        return read_backend_url(own.backend_url, own.group, conf[opts.GROUP].interval)
    except OptionError as exc:
        raise ConfigError(place, option, exc.value, exc.reason) from None


def _check_values(conf: cfg.ConfigOpts) -> None:
    """Look at every value: oslo.config converts one only when it is asked for."""
    for name in conf:
        _ask(conf, "DEFAULT", name, conf.__getitem__)
    for group, known in (
        (opts.GROUP, opts.AGENT_OPTS),
        (opts.COORDINATION, opts.COORDINATION_OPTS),
    ):
        for opt in known:
            _ask(conf, group, opt.dest, conf[group].__getitem__, is_secret=opt.secret)
        _refuse_unknown(conf, group, [opt.dest for opt in known])


def _ask(
    conf: cfg.ConfigOpts,
    group: str,
    name: str,
    ask: Callable[[str], object],
    *,
    is_secret: bool = False,
) -> None:
    try:
        ask(name)
    except (ValueError, cfg.Error) as exc:
        option = f"[{group}]{name}"
        setting = _written(conf).last(option)
        value = setting.value if setting else ""
        raise ConfigError(
            _location(conf, setting),
            option,
            "" if is_secret else value,
            refusal_of_value(exc, value),
        ) from None


def _refuse_unknown(conf: cfg.ConfigOpts, group: str, names: Sequence[str]) -> None:
    """Refuse an option of our sections that does not exist; oslo.config would pass over it."""
    for setting in _written(conf).settings:
        name = setting.name.partition("]")[2].replace("-", "_")
        if setting.section != group or name in names:
            continue
        near = difflib.get_close_matches(name, names, n=1)
        # Without its neighbours a line may be anything, a password as well.
        raise ConfigError(
            _location(conf, setting),
            setting.name if near else f"[{group}]",
            "",
            f"there is no such option: is {near[0]} meant?"
            if near
            else "the option on this line does not exist",
        )


def _mistake(conf: cfg.ConfigOpts, name: str, reason: str) -> ConfigError:
    value = conf[opts.GROUP][name]
    return ConfigError(
        _place(conf, opts.GROUP, name),
        f"[{opts.GROUP}]{name}",
        ", ".join(value) if isinstance(value, list) else str(value),
        reason,
    )


def _place(conf: cfg.ConfigOpts, group: str, name: str) -> str:
    return _location(conf, _written(conf).last(f"[{group}]{name}"))


def _location(conf: cfg.ConfigOpts, setting: Setting | None) -> str:
    return f"{setting.file}:{setting.line}" if setting else PROJECT


def _written(conf: cfg.ConfigOpts) -> ConfText:
    return read_conf_text([*conf.config_file, *conf.config_dirs])
