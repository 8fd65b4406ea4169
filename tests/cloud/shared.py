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

"""One embedded cloud that is used again and again, each time in another shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cloud import environments
from tests.cloud.administrator import Administrator
from tests.cloud.cloud import Cloud
from tests.cloud.spec import CloudSpec, HostSpec
from vfio_lm.pci.release import NovaRelease


class SharedCloud:
    """A cloud that is started when it is first wanted.

    :param spec: what it begins as; its hosts, aliases and pci_in_placement do not matter.
    :param release: of nova.
    :param is_touched: whether what is done with it may write into the hosts' providers in
        placement, so that every host has to put them right before the next shape.
    :ivar release: as given.
    :ivar corrections: of its nova-computes.
    :ivar shape: the number of shapes that the cloud has had.
    """

    def __init__(
        self,
        spec: CloudSpec | None = None,
        *,
        release: NovaRelease = environments.CURRENT,
        is_touched: bool = True,
    ) -> None:
        self._spec = spec or CloudSpec()
        self.shape = 0
        self.release = release
        self.corrections = self._spec.corrections
        self._is_touched = is_touched
        self._cloud: Cloud | None = None
        self._hosts: dict[str, HostSpec] = {}
        self._admin: Administrator | None = None

    @property
    def admin(self) -> Administrator:
        """The administrator of the cloud, once it is started."""
        if self._admin is None:
            assert self._cloud is not None
            self._admin = Administrator(self._cloud.connection())
        return self._admin

    def shaped(
        self,
        hosts: Sequence[HostSpec],
        aliases: Sequence[Mapping[str, Any]],
        pci_in_placement: bool,
    ) -> Cloud:
        """Give the cloud without servers and with these hosts, started if need be.

        :param hosts: one that does not say whether it reports its devices in placement does
            as ``pci_in_placement`` says.
        """
        self.shape += 1
        # Said for each host, so that it is part of the shape.
        wanted = {
            host.name: host
            if host.report_in_placement is not None
            else dataclasses.replace(host, report_in_placement=pci_in_placement)
            for host in hosts
        }
        if self._cloud is None:
            spec = dataclasses.replace(self._spec, hosts=tuple(wanted.values()))
            cloud = Cloud(spec, release=self.release)
            cloud.start()
            self._cloud = cloud
            self._hosts = wanted
        if self._is_touched:
            self._cloud.reset()
        else:
            self._cloud.clear()
        # First what hosts and aliases are checked with, then these.
        self._cloud.set_aliases([])
        self._cloud.set_pci_in_placement(pci_in_placement)
        self._cloud.set_aliases([dict(alias) for alias in aliases])
        self._replace_hosts(wanted)
        return self._cloud

    def logs(self, service: str, lines: int) -> str:
        """Give the end of a service's log; nothing before the cloud is started."""
        return self._cloud.logs(service, lines) if self._cloud is not None else ""

    def stop(self) -> None:
        """End the cloud, if it was ever started."""
        if self._cloud is not None:
            self._cloud.stop()
            self._cloud = self._admin = None

    def _replace_hosts(self, wanted: Mapping[str, HostSpec]) -> None:
        """Take away hosts that should differ: one that reported devices may never stop to."""
        assert self._cloud is not None
        if all(self._hosts.get(name) == host for name, host in wanted.items()):
            gone = [name for name in self._cloud.hosts() if name not in wanted]
        else:
            gone = list(self._cloud.hosts())
        for name in gone:
            self._cloud.remove_host(name)
            self._hosts.pop(name, None)
        for name, host in wanted.items():
            if name not in self._hosts:
                self._cloud.add_host(host)
                self._hosts[name] = host
