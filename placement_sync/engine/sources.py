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

"""Where hosts' configurations are read from, in every round; not what they say.

What is read is what nova-compute would read if it started now. A file that cannot be read is an
error of its host, and that host is left alone until the file can be read again.
"""

from __future__ import annotations

import dataclasses
import socket

from vfio_lm.errors import ConfigError, VfioLmError
from vfio_lm.pci.hosts import KnownHosts, read_host, read_hosts


@dataclasses.dataclass(frozen=True)
class OwnHost:
    """The compute host that the agent runs on."""

    paths: tuple[str, ...]
    """The files and folders that its nova-compute reads."""
    hypervisor_hostname: str | None = None
    facts_path: str | None = None

    @property
    def is_provider_named(self) -> bool:
        """Whether the operator says which root provider is the host's."""
        return self.hypervisor_hostname is not None

    def read(self) -> KnownHosts:
        """Return the host, or what keeps it from being read."""
        try:
            host = read_host(
                self.paths,
                libvirt_name(),
                hypervisor_hostname=self.hypervisor_hostname,
                facts_path=self.facts_path,
            )
        except VfioLmError as exc:
            return KnownHosts(hosts=(), errors=(exc,))
        return KnownHosts(hosts=(host,), errors=())


@dataclasses.dataclass(frozen=True)
class HostFolder:
    """A folder with one nova.conf for each of many hosts."""

    folder: str
    facts_folder: str | None = None

    @property
    def is_provider_named(self) -> bool:
        """Whether the files are surely named after root providers."""
        return False

    def read(self) -> KnownHosts:
        """Return all hosts that can be read, and what keeps others from it."""
        try:
            found = read_hosts(self.folder, facts_folder=self.facts_folder)
        except VfioLmError as exc:
            return KnownHosts(hosts=(), errors=(exc,))
        if found.hosts or found.errors:
            return found
        empty = ConfigError(
            self.folder, "", "", "has no file HOST.conf: copy the hosts' files there"
        )
        return KnownHosts(hosts=(), errors=(empty,))


def libvirt_name() -> str:
    """Return the name that libvirt gives this machine.

    Source: ``virGetHostname`` in libvirt's ``src/util/virutil.c``: the host's own name if it is a
    qualified one or nothing better is known, or else the canonical name that the resolver has.
    """
    name = socket.gethostname()
    if "." in name or name.startswith("localhost"):
        return name
    full = socket.getfqdn(name)
    return name if full.startswith("localhost") else full
