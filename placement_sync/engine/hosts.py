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

"""What is known of each host before placement is asked: its nova.conf and its facts, from files.

What follows from them for placement is worked out elsewhere.
"""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Iterable, Mapping, Sequence

from vfio_lm.errors import ConfigError, VfioLmError
from vfio_lm.pci import Alias, DeviceSpec, NovaConf, host_folder, parse_device_specs, read_nova_conf
from vfio_lm.pci.conf_text import DEVICE_SPEC, read_conf_text
from vfio_lm.pci.host_facts import HostFacts, HostFactsError, read_host_facts


@dataclasses.dataclass(frozen=True, slots=True)
class HostConfig:
    """One compute host as its files describe it."""

    name: str
    """The hypervisor hostname: the name of its root provider."""
    conf: NovaConf
    """Its own nova.conf; without ``[pci]device_spec`` it has no devices for nova."""
    facts: HostFacts | None = None
    """What its kernel says of its devices; None where nobody looked."""
    location: str = ""
    """The files that say it, for messages."""
    spec_locations: tuple[str, ...] = ()
    """``FILE:LINE`` of each of its device specifications, in their order."""

    @property
    def device_specs(self) -> tuple[DeviceSpec, ...]:
        """Its device specifications in their order, none where the files have none."""
        return self.conf.device_specs or ()

    def location_of(self, spec: DeviceSpec) -> str:
        """Return where a device specification stands, as exactly as is known."""
        for known, location in zip(self.device_specs, self.spec_locations, strict=False):
            if known is spec:
                return location
        return self.location


@dataclasses.dataclass(frozen=True, slots=True)
class HostConfigs:
    """All hosts of a folder."""

    hosts: tuple[HostConfig, ...]
    """By name."""
    errors: tuple[VfioLmError, ...] = ()
    """One for each host whose files cannot be used. Nothing of such a host may be changed."""


def read_own_host(
    nova_conf_paths: Sequence[str | os.PathLike[str]],
    *,
    hypervisor_hostname: str | None = None,
    facts_path: str | os.PathLike[str] | None = None,
) -> HostConfig:
    """Read what the files of one host say of it.

    :param nova_conf_paths: its nova.conf files and conf.d folders; later ones override earlier ones
    :param hypervisor_hostname: the name of its root provider; if not given, ``[DEFAULT]host`` is
        taken where the files set it, and else the name that this machine gives itself, as libvirt
        finds it
    :param facts_path: a host facts file of the host
    :raises VfioLmError: if a file cannot be used: the text names it and the way out
    """
    location = ", ".join(os.fspath(path) for path in nova_conf_paths)
    if not nova_conf_paths:
        raise ConfigError("nova.conf", "", "", "no file is given that says what this host has")
    conf, spec_locations = _read_conf(nova_conf_paths, location)
    name = hypervisor_hostname or conf.host or _own_name()
    facts = None if facts_path is None else _read_facts(facts_path, name, conf)
    return HostConfig(name, conf, facts, location, spec_locations)


def read_hosts(
    folder: str | os.PathLike[str], *, facts_folder: str | os.PathLike[str] | None = None
) -> HostConfigs:
    """Read the files of many hosts; one that cannot be used does not stop the others.

    :param folder: for each host ``<hypervisor hostname>.conf``, or a conf.d folder
        ``<hypervisor hostname>/``, with at least the section ``[pci]`` of its nova.conf; all
        other files are passed over
    :param facts_folder: ``<hypervisor hostname>.json`` for each host whose facts are known
    :raises VfioLmError: if one of the two folders cannot be read
    """
    hosts: list[HostConfig] = []
    errors: list[VfioLmError] = []
    facts_files = {} if facts_folder is None else host_folder.facts_files(facts_folder)
    for name, paths in sorted(host_folder.conf_files(folder).items()):
        try:
            hosts.append(_read_host(name, paths, facts_files.get(name, ())))
        except VfioLmError as exc:
            errors.append(exc)
    return HostConfigs(hosts=tuple(hosts), errors=tuple(errors))


def read_named_hosts(confs: Mapping[str, Sequence[str]], facts: Iterable[str] = ()) -> HostConfigs:
    """Read the files of hosts that are named; one that cannot be used does not stop the others.

    :param confs: nova.conf files and conf.d folders of each host, by hypervisor hostname
    :param facts: host facts files, and folders with ``<hypervisor hostname>.json``; those of hosts
        that are not named are passed over
    :raises VfioLmError: if a facts file or a folder cannot be read
    """
    facts_files: dict[str, str] = {}
    for path in facts:
        if os.path.isdir(path):
            found = host_folder.facts_files(path)
            facts_files |= {name: paths[0] for name, paths in found.items()}
        else:
            facts_files[read_host_facts(path).host] = path
    hosts: list[HostConfig] = []
    errors: list[VfioLmError] = []
    for name, paths in sorted(confs.items()):
        location = ", ".join(paths)
        try:
            conf, spec_locations = _read_conf(paths, location)
            own = facts_files.get(name) or facts_files.get(conf.host or name)
            known = _read_facts(own, name, conf) if own else None
            hosts.append(HostConfig(name, conf, known, location, spec_locations))
        except VfioLmError as exc:
            errors.append(exc)
    return HostConfigs(hosts=tuple(hosts), errors=tuple(errors))


def common_aliases(hosts: Iterable[HostConfig]) -> dict[str, Alias]:
    """Return the aliases that hosts define, without those about which they do not agree.

    Every nova-compute needs the same ``[pci]alias`` as nova-api, so that the files of hosts tell
    what aliases mean where nobody has those of nova-api at hand.
    """
    found: dict[str, Alias] = {}
    disputed: set[str] = set()
    for host in hosts:
        for name, alias in host.conf.aliases.items():
            if found.setdefault(name, alias) != alias:
                disputed.add(name)
    return {name: alias for name, alias in found.items() if name not in disputed}


def _read_host(name: str, paths: Sequence[str], facts_paths: Sequence[str]) -> HostConfig:
    path = host_folder.only(name, paths)
    conf, spec_locations = _read_conf([path], path)
    facts = _read_facts(facts_paths[0], name, conf) if facts_paths else None
    return HostConfig(name, conf, facts, path, spec_locations)


def _read_conf(
    paths: Sequence[str | os.PathLike[str]], location: str
) -> tuple[NovaConf, tuple[str, ...]]:
    """Return what the files say, and where each device specification stands."""
    conf = read_nova_conf(paths)
    text = read_conf_text(paths)
    if not text.settings:
        # Half a deployment leaves such files behind; that the host has no device is not meant.
        raise ConfigError(
            location,
            "",
            "",
            "sets no option at all; a host without devices has at least another option of its "
            "nova.conf there, for example [pci]report_in_placement",
        )
    locations = [
        f"{setting.file}:{setting.line}"
        for setting in text.of(DEVICE_SPEC)
        for _ in parse_device_specs(
            [setting.value], report_in_placement=bool(conf.report_in_placement)
        )
    ]
    return conf, tuple(locations)


def _read_facts(path: str | os.PathLike[str], name: str, conf: NovaConf) -> HostFacts:
    facts = read_host_facts(path)
    if facts.host not in (name, conf.host):
        raise HostFactsError(
            os.fspath(path),
            f"describes host {facts.host}, not {conf.host or name}: probe the right host, or set "
            f"[DEFAULT]host in its nova.conf as it is there",
        )
    return facts


def _own_name() -> str:
    """Return the name that libvirt gives this machine.

    Source: ``virGetHostname`` in libvirt's ``src/util/virutil.c``: the host's own name if it is a
    qualified one or nothing better is known, or else the canonical name that the resolver has.
    """
    name = socket.gethostname()
    if "." in name or name.startswith("localhost"):
        return name
    full = socket.getfqdn(name)
    return name if full.startswith("localhost") else full
