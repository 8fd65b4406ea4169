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
"""Under which name placement has each host, where the files do not say or say another name.

nova-compute names the root provider of its host as libvirt names the host (``get_hostname`` in
``nova/virt/libvirt/host.py``, nova 34.0.0), whatever ``[DEFAULT]host`` says. So a file that is
named after the host as nova knows it does not name the provider, and neither does a machine whose
own name is not that of the host, as in a container. Nova knows both names of each host; where the
agent may not ask it, the operator has to name the file, or the option, after the provider.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from contextlib import suppress

from oslo_log import log as logging

from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import CloudError, ConfigError, NotFoundError
from vfio_lm.pci.hosts import Host, KnownHosts

LOG = logging.getLogger(__name__)

_PATIENCE = 600.0
"""Seconds before nova is asked again for the same hosts."""


class HostNames:
    """Finds the root providers of hosts, and remembers those that it found.

    :param placement: asked for names
    :param nova: asked for hosts whose names placement does not have
    :param clock: returns seconds
    """

    def __init__(
        self,
        placement: PlacementClient,
        nova: ComputeClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._placement = placement
        self._nova = nova
        self._clock = clock
        self._found: dict[tuple[str, str], str] = {}
        self._asked: frozenset[str] = frozenset()
        self._asked_at = float("-inf")

    def resolve(self, hosts: Sequence[Host]) -> list[Host]:
        """Return hosts with the names of their root providers, as far as these can be found.

        :raises CloudError: if placement does not answer
        """
        open_ = [host for host in hosts if _key(host) not in self._found]
        if open_:
            self._find(open_)
        return [self._named(host) for host in hosts]

    def forget(self, names: Collection[str]) -> None:
        """Look again for hosts whose providers are gone.

        :param names: of the providers
        """
        self._found = {key: name for key, name in self._found.items() if name not in names}

    def _named(self, host: Host) -> Host:
        name = self._found.get(_key(host), host.hypervisor_hostname)
        return dataclasses.replace(host, hypervisor_hostname=name)

    def _find(self, hosts: Sequence[Host]) -> None:
        known = self._known_to_placement(hosts)
        unknown = [host for host in hosts if host.hypervisor_hostname not in known]
        self._found |= {
            _key(host): host.hypervisor_hostname for host in hosts if host not in unknown
        }
        if not unknown:
            return
        said = self._said_by_nova({host.name for host in unknown})
        for host in unknown:
            name = said.get(host.name)
            if name is None and not said and host.name in known:
                name = host.name
            if name is not None:
                self._found[_key(host)] = name
                LOG.info("Host %s is resource provider %s", host.name, name)

    def _known_to_placement(self, hosts: Sequence[Host]) -> set[str]:
        """Return those names of hosts that providers have, and maybe others."""
        if len(hosts) > 1:
            return {provider.name for provider in self._placement.providers().values()}
        (host,) = hosts
        found = set()
        for name in {host.hypervisor_hostname, host.name}:
            with suppress(NotFoundError):
                found.add(self._placement.find_provider(name=name).name)
        return found

    def _said_by_nova(self, hosts: Set[str]) -> dict[str, str]:
        """Return the hypervisor hostnames of all hosts; nothing where nova does not say.

        The answer is long, so nova is asked for the same hosts from time to time only.
        """
        now = self._clock()
        if self._asked >= hosts and now - self._asked_at < _PATIENCE:
            return {}
        self._asked, self._asked_at = frozenset(hosts), now
        try:
            return {name: node.hypervisor_hostname for name, node in self._nova.nodes().items()}
        except CloudError as exc:
            LOG.debug("Nova cannot be asked for the names of hosts: %s", exc)
            return {}


def told_apart(hosts: Iterable[Host]) -> KnownHosts:
    """Leave out hosts whose names lead to one root provider: it is not both of them.

    So it is with two files of one host, and where nova lists two hypervisors of one name.
    """
    of_provider: dict[str, list[Host]] = {}
    for host in hosts:
        of_provider.setdefault(host.hypervisor_hostname, []).append(host)
    return KnownHosts(
        hosts=tuple(found[0] for found in of_provider.values() if len(found) == 1),
        errors=tuple(
            ConfigError(
                f"hosts {' and '.join(sorted(host.name for host in found))}",
                "",
                "",
                f"have one root provider, {name}, and are left alone: keep the file of one, and "
                "see 'openstack hypervisor list'",
            )
            for name, found in of_provider.items()
            if len(found) > 1
        ),
    )


def _key(host: Host) -> tuple[str, str]:
    return host.name, host.hypervisor_hostname
