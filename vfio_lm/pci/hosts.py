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

"""Compute hosts as their files describe them, and the one reader of such files and folders.

A folder has for each host ``<host>.conf``, or a conf.d folder ``<host>/``, with its nova.conf, and
``<host>.json`` with its facts. ``<host>`` is the host as nova knows it ("Host" in ``openstack
compute service list``); where the name that libvirt gives a host differs, that one will do as long
as ``[DEFAULT]host`` stands in the file. All other files are passed over.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Union

from vfio_lm.errors import ConfigError, VfioLmError
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.alias import Alias
from vfio_lm.pci.device_spec import DeviceSpec, first_match
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts, HostFactsError, read_host_facts
from vfio_lm.pci.nova_conf import NovaConf, read_nova_conf

_CONF = ".conf"
_FACTS = ".json"

Path = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class Host:
    """What is known of one compute host beyond the APIs."""

    name: str = ""
    """The host as nova knows it."""
    hypervisor_hostname: str = ""
    """The name that libvirt gives it, which is that of its root provider; empty: not known."""
    conf: NovaConf | None = None
    """The nova.conf of its nova-compute: what it does not say has nova's default."""
    facts: HostFacts | None = None
    """What its kernel says of its devices."""

    @property
    def device_specs(self) -> tuple[DeviceSpec, ...]:
        """``[pci]device_spec``; empty as well where its nova.conf is not known."""
        return () if self.conf is None else self.conf.device_specs or ()

    @property
    def reports_in_placement(self) -> bool:
        """``[pci]report_in_placement``; False as well where its nova.conf is not known."""
        return bool(self.conf and self.conf.report_in_placement)

    @property
    def interfaces(self) -> Mapping[str, PciAddress]:
        """The address of each network interface that is known."""
        return self.facts.interfaces if self.facts else {}

    @property
    def location(self) -> str:
        """The files of its nova.conf, for messages."""
        return ", ".join(self.conf.sources) if self.conf else ""

    def spec_of(self, device: DeviceFacts) -> DeviceSpec | None:
        """Return the device specification that decides about a device, if there is one."""
        return first_match(self.device_specs, device.device, interfaces=self.interfaces)

    def possible_specs(self, device: DeviceFacts) -> tuple[DeviceSpec, ...]:
        """Return the device specifications one of which decides about a device.

        There is more than one where nova may take the device for a remotely managed one: it does
        so if the device has a card serial number, which the facts do not show.
        """
        with_serial = dataclasses.replace(device.device, card_serial_number="any")
        found: list[DeviceSpec] = []
        for spec in self.device_specs:
            if spec.matches(with_serial, interfaces=self.interfaces):
                found.append(spec)
                if not spec.is_remote_managed:
                    break
        return tuple(found)

    def devices_of_server(self, server_id: str) -> tuple[DeviceFacts, ...]:
        """Return the devices that a server uses, as the facts have it."""
        devices = self.facts.devices if self.facts else ()
        return tuple(d for d in devices if d.user is not None and d.user.uuid == server_id)


NOTHING_KNOWN = Host()


@dataclasses.dataclass(frozen=True)
class KnownHosts:
    """All hosts of a folder."""

    hosts: tuple[Host, ...]
    """By the names of their files."""
    errors: tuple[VfioLmError, ...] = ()
    """One for each host whose files cannot be used. Nothing of such a host may be changed."""


def read_host(
    nova_conf_paths: Sequence[Path],
    own_name: str,
    *,
    hypervisor_hostname: str | None = None,
    facts_path: Path | None = None,
) -> Host:
    """Read what the files of one host say of it.

    :param nova_conf_paths: its nova.conf files and conf.d folders; later ones override earlier ones
    :param own_name: the name that libvirt gives it; nova has the name in ``[DEFAULT]host``, if that
        is set
    :param hypervisor_hostname: the name of its root provider; ``own_name`` if not given
    :param facts_path: a host facts file of the host
    :raises VfioLmError: if a file cannot be used: the text names it and the way out
    """
    if not nova_conf_paths:
        raise ConfigError("nova.conf", "", "", "no file is given that says what this host has")
    conf = _read_conf(nova_conf_paths)
    provider = hypervisor_hostname or own_name
    facts = None if facts_path is None else _read_facts(facts_path, provider, conf)
    return Host(conf.host or own_name, provider, conf, facts)


def read_hosts(folder: Path, *, facts_folder: Path | None = None) -> KnownHosts:
    """Read the files of many hosts; one that cannot be used does not stop the others.

    :param folder: with the nova.conf of each host, of which ``[pci]`` is enough
    :param facts_folder: with the facts of hosts, as far as they are known
    :raises VfioLmError: if one of the two folders cannot be read
    """
    facts_files = {} if facts_folder is None else _entries(facts_folder, _FACTS)
    return _read_each(
        _entries(folder, _CONF, takes_folders=True),
        {name: files[0] for name, files in facts_files.items()},
    )


def read_hypervisors(
    conf_paths: Mapping[str, Sequence[Path]], facts_paths: Iterable[Path] = ()
) -> KnownHosts:
    """Read the files of hosts that are given by the name that libvirt gives each.

    :param conf_paths: nova.conf files and conf.d folders by hypervisor hostname
    :param facts_paths: host facts files, and folders with the facts of hosts; those of hosts that
        are not named are passed over
    :raises VfioLmError: if a facts file or a folder cannot be read
    """
    facts_files: dict[str, str] = {}
    for path in [os.fspath(each) for each in facts_paths]:
        if os.path.isdir(path):
            facts_files |= {name: files[0] for name, files in _entries(path, _FACTS).items()}
        else:
            facts_files[read_host_facts(path).host] = path
    return _read_each(conf_paths, facts_files, are_one_configuration=True)


def read_named_hosts(
    conf_paths: Mapping[str, Sequence[Path]], facts_paths: Iterable[Path]
) -> dict[str, Host]:
    """Read the files of hosts that are given by the name that nova has for each.

    :param conf_paths: nova.conf files and conf.d folders by host
    :param facts_paths: of :func:`facts_files`; of two files of one host the younger one counts
    :raises ConfigError: if a nova.conf cannot be read, nova would refuse it, or it is of another
        host
    :raises HostFactsError: if a file is no host facts file
    """
    confs = {host: _conf_of(host, paths) for host, paths in conf_paths.items()}
    facts: dict[str, HostFacts] = {}
    for path in facts_paths:
        found = read_host_facts(path)
        known = facts.get(found.host)
        if known is None or known.taken_at < found.taken_at:
            facts[found.host] = found
    return {
        host: Host(host, conf=confs.get(host), facts=facts.get(host))
        for host in sorted(confs.keys() | facts.keys())
    }


def conf_files(folder: Path) -> dict[str, str]:
    """Return the nova.conf, or the conf.d folder, of each host of a folder.

    :raises ConfigError: if the folder cannot be read, or has two for one host
    """
    entries = _entries(folder, _CONF, takes_folders=True)
    return {host: os.fspath(_only(host, paths)) for host, paths in entries.items()}


def facts_files(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return host facts files, and those of folders.

    :raises ConfigError: if a folder cannot be read
    """
    found: list[str] = []
    for path in [os.fspath(each) for each in paths]:
        if os.path.isdir(path):
            found += (file for files in _entries(path, _FACTS).values() for file in files)
        else:
            found.append(path)
    return tuple(found)


def common_aliases(hosts: Iterable[Host]) -> dict[str, Alias]:
    """Return the aliases that hosts define, without those about which they do not agree.

    Every nova-compute needs the same ``[pci]alias`` as nova-api, so the files of hosts say what
    aliases mean where those of nova-api are not at hand.
    """
    found: dict[str, Alias] = {}
    disputed: set[str] = set()
    for host in hosts:
        for name, alias in host.conf.aliases.items() if host.conf else ():
            if found.setdefault(name, alias) != alias:
                disputed.add(name)
    return {name: alias for name, alias in found.items() if name not in disputed}


def _read_each(
    conf_paths: Mapping[str, Sequence[Path]],
    facts_files: Mapping[str, Path],
    *,
    are_one_configuration: bool = False,
) -> KnownHosts:
    """Read the files of hosts by the names that libvirt gives them.

    :param facts_files: by the name that libvirt or nova gives the host
    :param are_one_configuration: whether all paths of a host are read as one; else there may be
        one only
    """
    hosts: list[Host] = []
    errors: list[VfioLmError] = []
    for name, paths in sorted(conf_paths.items()):
        try:
            conf = _read_conf(paths if are_one_configuration else [_only(name, paths)])
            own = facts_files.get(name) or facts_files.get(conf.host or name)
            facts = _read_facts(own, name, conf) if own else None
        except VfioLmError as exc:
            errors.append(exc)
        else:
            hosts.append(Host(conf.host or name, name, conf, facts))
    return KnownHosts(hosts=tuple(hosts), errors=tuple(errors))


def _read_conf(paths: Sequence[Path]) -> NovaConf:
    conf = read_nova_conf(paths)
    if conf.is_empty:
        # Half a deployment leaves such files behind; that the host has no device is not meant.
        raise ConfigError(
            ", ".join(conf.sources),
            "",
            "",
            "sets no option at all; a host without devices has at least another option of its "
            "nova.conf there, for example [pci]report_in_placement",
        )
    return conf


def _conf_of(host: str, paths: Sequence[Path]) -> NovaConf:
    conf = read_nova_conf(paths)
    if conf.host not in (None, host):
        raise ConfigError(
            ", ".join(conf.sources),
            "[DEFAULT]host",
            str(conf.host),
            f"this is not the nova.conf of host {host}",
        )
    return conf


def _read_facts(path: Path, name: str, conf: NovaConf) -> HostFacts:
    facts = read_host_facts(path)
    if facts.host not in (name, conf.host):
        raise HostFactsError(
            os.fspath(path),
            f"describes host {facts.host}, not {conf.host or name}: probe the right host, or set "
            f"[DEFAULT]host in its nova.conf as it is there",
        )
    return facts


def _only(host: str, paths: Sequence[Path]) -> Path:
    """Return the path that describes a host."""
    if len(paths) > 1:
        where = ", ".join(os.fspath(path) for path in paths)
        raise ConfigError(where, "", "", f"host {host} is described twice: keep one of the two")
    return paths[0]


def _entries(
    folder: Path, suffix: str, *, takes_folders: bool = False
) -> dict[str, tuple[str, ...]]:
    where = os.fspath(folder)
    found: dict[str, tuple[str, ...]] = {}
    try:
        entries = sorted(os.scandir(where), key=lambda entry: entry.name)
    except OSError as exc:
        raise ConfigError(where, "", "", f"cannot be read: {exc.strerror}") from None
    for entry in entries:
        name = entry.name.removesuffix(suffix)
        is_folder = takes_folders and entry.is_dir() and name == entry.name
        if name and not name.startswith(".") and (is_folder or name != entry.name):
            found[name] = (*found.get(name, ()), entry.path)
    return found
