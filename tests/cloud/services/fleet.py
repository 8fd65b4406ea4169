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

"""The compute hosts of a running cloud and what may change while it runs; not how it is asked.

Every method is one run-time command. They run one at a time, in nova's process.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import nova.conf
from nova import context as nova_context
from nova import exception, objects
from nova.objects import host_mapping
from nova.pci import request as pci_request
from oslo_utils import timeutils

from tests.cloud import configs
from tests.cloud.services import hosts, hypervisors, release
from tests.cloud.settings import Settings
from tests.cloud.spec import CloudSpec, HostSpec, with_bus

#: a heartbeat of long ago, as of a host that somebody pulled the plug of
LONG_AGO = datetime.timedelta(days=1)


@dataclasses.dataclass(slots=True)
class Fleet:
    """All computes of a cloud.

    :ivar spec: the cloud as it is now.
    """

    settings: Settings
    spec: CloudSpec
    hypervisors: hypervisors.Hypervisors
    _running: dict[str, tuple[hosts.Host, Any]] = dataclasses.field(default_factory=dict)

    def start_all(self) -> None:
        """Start a nova-compute on every host."""
        # One after the other: starting clears caches of the whole process.
        for host in self.spec.hosts:
            self._start(host)
        self._map_hosts()

    def add_host(self, host: HostSpec) -> None:
        """Add a compute host to the cloud."""
        host = with_bus(host, self.spec.hosts)
        self.spec = dataclasses.replace(self.spec, hosts=(*self.spec.hosts, host))
        self._start(host)
        self._map_hosts()

    def forget_host(self, name: str) -> None:
        """Take a host that is stopped, and deleted from the API, out of the cloud."""
        if name in self._running:
            raise ValueError(f"the host {name} runs; stop it first")
        self.spec = self._without(self._host(name))
        self.hypervisors.forget(name)
        configs.remove_host_files(self.settings, name)

    def stop_host(self, name: str) -> None:
        """Silence the nova-compute of a host; its guests go on running.

        Its last heartbeat is moved into the past, so that it counts as down now
        instead of after ``service_down_time``.
        """
        self._host(name)
        if name not in self._running:
            return
        _, running = self._running.pop(name)
        servers = release.rpc_servers(running)
        for server in servers:
            server.stop()
        for server in servers:
            server.wait()
        running.tg.stop(graceful=True)
        running.service_ref.last_seen_up = timeutils.utcnow(with_timezone=True) - LONG_AGO
        running.service_ref.save()

    def start_host(self, name: str) -> None:
        """Start the nova-compute of a host that was stopped."""
        host = self._host(name)
        if name not in self._running:
            self._start(host)

    def restart_host(self, name: str, host: HostSpec | None = None) -> None:
        """Stop and start a nova-compute, perhaps with other devices or options."""
        old = self._host(name)
        new = host or old
        if new.bus is None:
            new = dataclasses.replace(new, bus=old.bus)
        if new.name != name:
            raise ValueError(f"the host {name} cannot become {new.name}")
        self.stop_host(name)
        everybody = tuple(new if each.name == name else each for each in self.spec.hosts)
        self.spec = dataclasses.replace(self.spec, hosts=everybody)
        self._start(new)

    def set_aliases(self, aliases: list[dict[str, Any]]) -> None:
        """Change ``[pci]alias`` everywhere."""
        self._change(dataclasses.replace(self.spec, aliases=tuple(aliases)))

    def set_pci_in_placement(self, value: bool) -> None:
        """Change ``[filter_scheduler]pci_in_placement``, and nothing on the hosts."""
        settled = tuple(
            dataclasses.replace(host, report_in_placement=self.spec.reports_in_placement(host))
            for host in self.spec.hosts
        )
        self._change(dataclasses.replace(self.spec, pci_in_placement=value, hosts=settled))

    def update_resources(self, name: str | None = None) -> None:
        """Run the periodic update of available resources, with no cache of placement.

        Dropping nova's picture of the providers is what a SIGHUP does (nova 34.0.0,
        ``ComputeManager.reset``); otherwise traits are looked at every 300 s only.
        """
        if name is not None and name not in self._running:
            raise ValueError(f"the host {self._host(name).name} does not run")
        for host, running in list(self._running.values()):
            if name in (None, host.name):
                self._update_resources(host, running.manager)

    def forget_moves(self) -> None:
        """Run the periodic tasks of those hosts only that servers were live migrated from or to."""
        for name in self.hypervisors.moved_between & self._running.keys():
            self.update_resources(name)
            self._sync_scheduler(name)
        self.hypervisors.moved_between.clear()

    def sync_scheduler(self) -> None:
        """Run the periodic task in which each host says which servers are on it."""
        for name in list(self._running):
            self._sync_scheduler(name)

    def guest_xml(self, server_id: str, host: str | None = None) -> str:
        """Give the domain XML of a server on a host, by default on the server's."""
        if host is None:
            context = nova_context.get_admin_context()
            host = objects.Instance.get_by_uuid(context, server_id).host
        if host is None:
            raise LookupError(f"the server {server_id} is on no host")
        return self.hypervisors.guest_xml(host, server_id)

    def fail_migrations(self, message: str, times: int) -> None:
        """Let the next live migrations, and only those, end in a libvirt error."""
        self.hypervisors.failures[:] = [message] * times

    def host_states(self) -> dict[str, bool]:
        """Give the name of every host, and whether its nova-compute runs."""
        return {host.name: host.name in self._running for host in self.spec.hosts}

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Give every run-time command of the computes by its name."""
        return {
            "add-host": lambda host: self.add_host(HostSpec.from_json(host)),
            "forget-host": self.forget_host,
            "stop-host": self.stop_host,
            "start-host": self.start_host,
            "restart-host": lambda name, host: self.restart_host(
                name, HostSpec.from_json(host) if host else None
            ),
            "set-aliases": self.set_aliases,
            "set-pci-in-placement": self.set_pci_in_placement,
            "update-resources": self.update_resources,
            "forget-moves": self.forget_moves,
            "sync-scheduler": self.sync_scheduler,
            "guest-xml": self.guest_xml,
            "fail-migrations": self.fail_migrations,
            "hosts": self.host_states,
        }

    def _start(self, spec: HostSpec) -> None:
        path = configs.write_nova_conf(self.settings, self.spec, spec)
        host = hosts.Host(
            name=spec.name,
            options=hosts.options_of(spec.name, path),
            connection=self.hypervisors.provide(spec),
        )
        try:
            with hosts.working_for(host):
                running = release.create_compute(spec.name)
                running.start()
        except Exception as error:
            error.add_note(f"while the nova-compute of {spec.name} started")
            raise
        # the first heartbeat, which otherwise takes five seconds
        running.service_ref.report_count += 1
        running.service_ref.save()
        self._running[spec.name] = (host, running)

    def _sync_scheduler(self, name: str) -> None:
        host, running = self._running[name]
        with hosts.working_for(host):
            running.manager._sync_scheduler_instance_info(nova_context.get_admin_context())

    def _map_hosts(self) -> None:
        host_mapping.discover_hosts(nova_context.get_admin_context())

    def _update_resources(self, host: hosts.Host, manager: Any) -> None:
        context = nova_context.get_admin_context()
        with hosts.working_for(host):
            manager.reportclient.clear_provider_cache()
            # what ComputeManager.update_available_resource does for each node, but
            # that one only logs errors
            for node in manager.driver.get_available_nodes():
                manager.rt.update_available_resource(context, node)

    def _change(self, spec: CloudSpec) -> None:
        """Write every nova.conf again and let nova read it; not if nova refuses it."""
        old, self.spec = self.spec, spec
        try:
            self._reload()
        except Exception:
            self.spec = old
            self._reload()
            raise

    def _reload(self) -> None:
        configs.write_nova_confs(self.settings, self.spec)
        nova.conf.CONF.reload_config_files()
        pci_request.get_alias_from_config.cache_clear()
        pci_request.get_alias_from_config()

    def _host(self, name: str) -> HostSpec:
        for host in self.spec.hosts:
            if host.name == name:
                return host
        raise exception.ComputeHostNotFound(host=name)

    def _without(self, host: HostSpec) -> CloudSpec:
        hosts_left = tuple(other for other in self.spec.hosts if other is not host)
        return dataclasses.replace(self.spec, hosts=hosts_left)
