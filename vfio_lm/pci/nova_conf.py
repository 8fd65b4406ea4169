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

"""nova.conf files read the way nova does, with oslo.config; whether they are wise is not judged."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from vfio_lm.errors import ConfigError
from vfio_lm.pci import compute_options
from vfio_lm.pci.alias import Alias, AliasError, parse_aliases
from vfio_lm.pci.compute_options import NO_COMPUTE_OPTIONS, ComputeOptions
from vfio_lm.pci.conf_text import (
    ALIAS,
    DEVICE_SPEC,
    ConfText,
    not_a_configuration,
    read_conf_text,
    refuse_unreadable,
)
from vfio_lm.pci.device_spec import DeviceSpec, DeviceSpecError, parse_device_specs
from vfio_lm.pci.scheduler_options import (
    NO_OPTIONS,
    OPTS,
    SchedulerOptions,
    is_of_scheduler,
    scheduler_options,
)
from vfio_lm.quoting import refusal_of_value

# nova/conf/pci.py, scheduler.py, libvirt.py, netconf.py and workarounds.py (nova 34.0.0), without
# the defaults: what the files do not say stays None.
_OPTS: Mapping[str, tuple[cfg.Opt, ...]] = {
    **OPTS,
    **compute_options.OPTS,
    "DEFAULT": (
        cfg.HostDomainOpt("host"),
        *OPTS["DEFAULT"],
        *compute_options.OPTS["DEFAULT"],
    ),
    "pci": (
        cfg.MultiStrOpt("alias", deprecated_name="pci_alias", deprecated_group="DEFAULT"),
        cfg.MultiStrOpt(
            "device_spec",
            deprecated_opts=[
                cfg.DeprecatedOpt("passthrough_whitelist", group="pci"),
                cfg.DeprecatedOpt("pci_passthrough_whitelist", group="DEFAULT"),
            ],
        ),
        cfg.BoolOpt("report_in_placement"),
    ),
    "filter_scheduler": (cfg.BoolOpt("pci_in_placement"), *OPTS["filter_scheduler"]),
    "libvirt": (
        cfg.BoolOpt("live_migration_permit_post_copy"),
        cfg.IntOpt("live_migration_downtime", min=100),
        cfg.IntOpt("live_migration_completion_timeout", min=0),
        cfg.StrOpt("live_migration_timeout_action", choices=("abort", "force_complete")),
        cfg.IntOpt("live_migration_parallel_connections"),
    ),
    "workarounds": (cfg.BoolOpt("skip_hypervisor_version_check_on_lm"),),
}

_ENVIRONMENT_VARIABLE = "OS_VFIO_NOVA_CONF"
_USUAL_PATH = "/etc/nova/nova.conf"


@dataclasses.dataclass(frozen=True)
class NovaConf:
    """What one service's configuration says about PCI devices.

    Where the files do not say something it is None: only the service's own nova.conf proves
    what an absent option means.
    """

    sources: tuple[str, ...]
    """The files and folders it was read from."""
    aliases: Mapping[str, Alias]
    """``[pci]alias`` by name."""
    pci_in_placement: bool | None
    """``[filter_scheduler]pci_in_placement``; nova's default is False."""
    device_specs: tuple[DeviceSpec, ...] | None = None
    """``[pci]device_spec``; the first one that matches a device decides."""
    report_in_placement: bool | None = None
    """``[pci]report_in_placement``; nova's default is False."""
    host: str | None = None
    """``[DEFAULT]host``; nova's default is the name that the host gives itself."""
    permit_post_copy: bool | None = None
    """``[libvirt]live_migration_permit_post_copy``; nova's default is False."""
    downtime_ms: int | None = None
    """``[libvirt]live_migration_downtime`` in milliseconds; nova's default is 500."""
    completion_timeout: int | None = None
    """``[libvirt]live_migration_completion_timeout``; nova's default is 800, and 0 is never."""
    timeout_action: str | None = None
    """``[libvirt]live_migration_timeout_action``; nova's default is "abort"."""
    parallel_connections: int | None = None
    """``[libvirt]live_migration_parallel_connections``; nova's default is 1."""
    skips_version_check: bool | None = None
    """``[workarounds]skip_hypervisor_version_check_on_lm``; nova's default is False."""
    scheduler: SchedulerOptions = NO_OPTIONS
    """What decides where nova-scheduler may send a server."""
    compute: ComputeOptions = NO_COMPUTE_OPTIONS
    """What decides what a server gets of the host's NUMA nodes."""
    is_empty: bool = False
    """Whether the files set no option at all, of this or of any other section."""

    @property
    def action_at_timeout(self) -> str:
        """What nova-compute does to a live migration that takes long: "none" where it waits."""
        return "none" if self.completion_timeout == 0 else self.timeout_action or "abort"


def default_nova_conf_paths(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files to read where a user names none.

    :param environ: ``OS_VFIO_NOVA_CONF`` names them, with the separator of PATH between them;
        without it nova's usual file is taken if it can be read
    """
    text = environ.get(_ENVIRONMENT_VARIABLE, "")
    if paths := tuple(filter(None, text.split(os.pathsep))):
        return paths
    return (_USUAL_PATH,) if os.access(_USUAL_PATH, os.R_OK) else ()


def read_nova_conf(paths: Sequence[str | os.PathLike[str]]) -> NovaConf:
    """Read files (later ones override earlier ones) and conf.d folders as one configuration.

    :raises ConfigError: if a path cannot be read, is no configuration file, or holds a value
        that nova would refuse; the text names file, option and value
    """
    names = [os.fspath(path) for path in paths]
    for name in names:
        refuse_unreadable(name)
    text = read_conf_text(names)
    values = _parse(names, text)
    in_placement = values["pci_in_placement"]
    reported = values["report_in_placement"]
    spec_values = values["device_spec"]
    try:
        aliases = parse_aliases(
            values["alias"] or (),
            pci_in_placement=bool(in_placement),
            locations=_locations(text, ALIAS),
        )
    except AliasError as exc:
        raise _config_error(text, ALIAS, exc) from None
    try:
        specs = parse_device_specs(
            spec_values or (),
            report_in_placement=bool(reported),
            locations=_locations(text, DEVICE_SPEC),
        )
    except DeviceSpecError as exc:
        raise _config_error(text, DEVICE_SPEC, exc) from None
    return NovaConf(
        sources=tuple(names),
        aliases=aliases,
        pci_in_placement=in_placement,
        device_specs=None if spec_values is None else specs,
        report_in_placement=reported,
        host=values["host"],
        permit_post_copy=values["live_migration_permit_post_copy"],
        downtime_ms=values["live_migration_downtime"],
        completion_timeout=values["live_migration_completion_timeout"],
        timeout_action=values["live_migration_timeout_action"],
        parallel_connections=values["live_migration_parallel_connections"],
        skips_version_check=values["skip_hypervisor_version_check_on_lm"],
        scheduler=scheduler_options(
            values, is_complete=is_of_scheduler({setting.name for setting in text.settings})
        ),
        compute=compute_options.compute_options(values),
        is_empty=not text.settings,
    )


def last_changed(paths: Iterable[str | os.PathLike[str]]) -> datetime.datetime:
    """Return when the newest of files, and of the files in folders, was written.

    :param paths: as :func:`read_nova_conf` has read them
    """
    files = [
        file
        for path in map(pathlib.Path, paths)
        for file in (path.glob("*.conf") if path.is_dir() else [path])
    ]
    newest = max((file.stat().st_mtime for file in files), default=0.0)
    return datetime.datetime.fromtimestamp(newest, datetime.timezone.utc)


def _parse(names: Sequence[str], text: ConfText) -> dict[str, Any]:
    """Return the values of all options of :data:`_OPTS` by their name."""
    conf = cfg.ConfigOpts()
    arguments = []
    for group, opts in _OPTS.items():
        conf.register_opts(opts, group=None if group == "DEFAULT" else group)
    for name in names:
        arguments += ["--config-dir" if os.path.isdir(name) else "--config-file", name]
    try:
        conf(arguments, project="nova", default_config_files=[], default_config_dirs=[])
    except cfg.ConfigFileParseError as exc:
        raise not_a_configuration(exc.config_file) from None
    except UnicodeDecodeError as exc:
        raise ConfigError(", ".join(names), "", "", f"not a text file: {exc.reason}") from None
    return {
        opt.dest: _value(conf, group, opt, text) for group, opts in _OPTS.items() for opt in opts
    }


def _value(conf: cfg.ConfigOpts, group: str, opt: cfg.Opt, text: ConfText) -> Any:
    """Return the value of an option, which oslo.config reads only when it is asked for."""
    try:
        if opt.dest == "host":
            return _host(conf)
        return conf[opt.dest] if group == "DEFAULT" else conf[group][opt.dest]
    except (cfg.ConfigFileValueError, cfg.TemplateSubstitutionError, cfg.NoSuchOptError) as exc:
        option = f"[{group}]{opt.dest}"
        values = (setting.value for setting in text.of(option))
        reason = refusal_of_value(exc, *values)
        raise ConfigError(_place(text, option), option, "", reason) from None


def _host(conf: cfg.ConfigOpts) -> str | None:
    try:
        return str(conf.host) if conf.host is not None else None
    except cfg.NoSuchOptError:
        # It refers to an option that only nova knows, for example $my_ip.
        return None


def _locations(text: ConfText, option: str) -> list[str]:
    """Return where each value of an option stands, in the order in which nova takes them."""
    return [f"{setting.file}:{setting.line}" for setting in text.of(option)]


def _config_error(text: ConfText, option: str, error: AliasError | DeviceSpecError) -> ConfigError:
    """Say where a value stands that nova would refuse; what is not JSON may be anything."""
    try:
        json.loads(error.value)
        shown = error.value
    except (ValueError, RecursionError):
        shown = ""
    return ConfigError(_place(text, option, error.value), option, shown, error.reason)


def _place(text: ConfText, option: str, value: str | None = None) -> str:
    """Return the file and line where an option has a value, or where it is set last."""
    found = [each for each in text.of(option) if value in (None, each.value)]
    return f"{found[-1].file}:{found[-1].line}" if found else ", ".join(text.sources)
