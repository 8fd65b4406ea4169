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

"""The hypervisors of a cloud: nova's fake libvirt, made fit to live long and to migrate.

Not the services that use them. nova 34.0.0, nova.tests.fixtures.libvirt.
"""

from __future__ import annotations

import dataclasses
import threading
import time
import urllib.parse
import uuid
from typing import Any

from nova.tests.fixtures import libvirt as fake_libvirt
from nova.virt.libvirt import host as libvirt_host
from oslo_utils import versionutils

from tests.cloud.services import devices, hosts, interfaces
from tests.cloud.spec import HostSpec

PROGRESS_INTERVAL = 0.25

_FAILURES = (fake_libvirt.VIR_DOMAIN_JOB_FAILED, fake_libvirt.VIR_DOMAIN_JOB_CANCELLED)


class Connection(fake_libvirt.Connection):  # type: ignore[misc]
    """The libvirt of one host, which outlives the nova-compute that talks to it."""

    def __init__(self, spec: HostSpec) -> None:
        super().__init__("qemu:///system", hostname=spec.name)
        # What a real host keeps in nova's compute_id file: a host that is removed and added
        # again is another one to nova.
        self.node_uuid = str(uuid.uuid4())
        # the MAC addresses of what is plugged into the host's bridge
        self.plugged: set[str] = set()
        self.become(spec)

    def become(self, spec: HostSpec) -> None:
        """Take other hardware and other versions; the guests stay."""
        self.pci_info = devices.Devices(spec)
        self.host_info = devices.processors(spec)
        self.fakeLibVersion = versionutils.convert_version_to_int(spec.libvirt_version)
        self.fakeVersion = versionutils.convert_version_to_int(spec.qemu_version)

    def getInfo(self) -> list[Any]:  # noqa: N802
        """Describe the host, its memory in MiB as libvirt's Python binding gives it.

        The fixture gives the KiB that it has for the NUMA cells.
        """
        info: list[Any] = super().getInfo()
        info[1] = self.host_info.kB_mem // 1024
        return info

    def defineXML(self, xml: str) -> Any:  # noqa: N802
        """Define a domain; one that runs goes on running.

        The fixture would put a stopped domain in its place, and nova's power state
        synchronisation would then stop the server.
        """
        domain = fake_libvirt.Domain(connection=self, running=False, transient=False, xml=xml)
        old = self._vms.get(domain.name())
        if old is not None and old._state != fake_libvirt.VIR_DOMAIN_SHUTOFF:
            domain._state, domain._id = old._state, old._id
            for key, running in list(self._running_vms.items()):
                if running is old:
                    self._running_vms[key] = domain
        self._vms[domain.name()] = domain
        return domain

    def _undefine(self, domain: Any) -> None:
        # also of a domain that is gone already: the migration has removed the
        # source's, and nova cleans up after it
        self._vms.pop(domain.name(), None)

    def listAllDomains(self, flags: int = 0) -> list[Any]:  # noqa: N802
        """List domains, whatever other threads define meanwhile."""
        wanted_active = flags & fake_libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
        wanted_inactive = flags & fake_libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE
        return [
            domain
            for domain in list(self._vms.values())
            if (
                wanted_inactive
                if domain._state == fake_libvirt.VIR_DOMAIN_SHUTOFF
                else wanted_active
            )
        ]

    def lookupByUUIDString(self, uuid: str) -> Any:  # noqa: N802
        """Find a domain, whatever other threads define meanwhile."""
        for domain in list(self._vms.values()):
            if domain.UUIDString() == uuid:
                return domain
        raise fake_libvirt.make_libvirtError(
            fake_libvirt.libvirtError,
            f"Domain not found: no domain with matching uuid '{uuid}'",
            error_code=fake_libvirt.VIR_ERR_NO_DOMAIN,
            error_domain=fake_libvirt.VIR_FROM_QEMU,
        )


@dataclasses.dataclass(slots=True)
class Hypervisors:
    """All hypervisors of a cloud, and how guests move between them.

    :ivar migration_seconds: how long a migration takes.
    :ivar failures: messages of the libvirt errors in which the next migrations end.
    :ivar moved_between: the hosts that guests have been moved from or to, or nearly.
    """

    migration_seconds: float
    failures: list[str] = dataclasses.field(default_factory=list)
    moved_between: set[str] = dataclasses.field(default_factory=set)
    _connections: dict[str, Connection] = dataclasses.field(default_factory=dict)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def install(self) -> None:
        """Make nova in this process use these hypervisors."""
        original_init = libvirt_host.Host.__init__
        hypervisors = self

        def host_init(self: Any, *args: Any, **kwargs: Any) -> None:
            original_init(self, *args, **kwargs)
            self._connection_of_host = hosts.current().connection

        def migrate(self: Any, uri: str, params: dict[str, Any], flags: int) -> None:
            hypervisors.migrate(self, urllib.parse.urlparse(uri).netloc, params, flags)

        libvirt_host.Host.__init__ = host_init
        libvirt_host.Host.get_connection = lambda self: self._connection_of_host
        libvirt_host.Host.get_online_cpus = lambda self: set(
            range(self._connection_of_host.host_info.cpus)
        )
        interfaces.install()
        fake_libvirt.Domain.migrateToURI3 = migrate
        fake_libvirt.Domain.jobStats = _job_stats
        fake_libvirt.Domain.abortJob = _abort_job

    def provide(self, spec: HostSpec) -> Connection:
        """Give the hypervisor of a host, made as its specification says."""
        connection = self._connections.get(spec.name)
        if connection is None:
            connection = self._connections[spec.name] = Connection(spec)
        else:
            connection.become(spec)
        return connection

    def forget(self, name: str) -> None:
        """Take the hypervisor of a host away, with all its guests."""
        self._connections.pop(name, None)

    def guest_xml(self, host: str, server_id: str) -> str:
        """Give the domain XML of a server on a host.

        :raises LookupError: if the hypervisor of the host does not know the server.
        """
        try:
            xml: str = self._connections[host].lookupByUUIDString(server_id).XMLDesc(0)
        except (KeyError, fake_libvirt.libvirtError):
            raise LookupError(f"{host} has no guest of the server {server_id}") from None
        return xml

    def plugged(self) -> dict[str, dict[str, Any]]:
        """Give what is plugged on each host.

        :returns: by host, the MAC addresses on its bridge as ``bridge``, and as ``vfs`` the ``mac``
            and the ``address`` of each VF that is the interface of a guest
        """
        return {
            name: {
                "bridge": sorted(connection.plugged),
                "vfs": [
                    vf
                    for guest in connection.listAllDomains(
                        fake_libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
                    )
                    for vf in interfaces.of_guest(guest)
                ],
            }
            for name, connection in list(self._connections.items())
        }

    def migrate(self, domain: Any, destination: str, params: dict[str, Any], flags: int) -> None:
        """Do what libvirt and both QEMUs do: the guest goes on over there."""
        self.moved_between |= {domain._connection.hostname, destination}
        memory = int(domain._def["memory"]) * 1024
        steps = max(1, int(self.migration_seconds / PROGRESS_INTERVAL))
        domain._is_aborted = False
        domain._job_type = fake_libvirt.VIR_DOMAIN_JOB_UNBOUNDED
        for step in range(steps):
            domain._progress = (memory, memory * step // steps)
            time.sleep(self.migration_seconds / steps)
            if domain._is_aborted:
                domain._job_type = fake_libvirt.VIR_DOMAIN_JOB_CANCELLED
                raise _error("operation aborted: migration out job: canceled by client")
        self._fail_if_told(domain)
        guest = self._connections[destination].createXML(params["destination_xml"], 0)
        guest._state = domain._state
        guest._transient = not flags & fake_libvirt.VIR_MIGRATE_PERSIST_DEST
        domain._connection._mark_not_running(domain)
        domain._state = fake_libvirt.VIR_DOMAIN_SHUTOFF
        if flags & fake_libvirt.VIR_MIGRATE_UNDEFINE_SOURCE:
            domain.undefine()
        domain._progress = (memory, memory)
        domain.complete_job()

    def _fail_if_told(self, domain: Any) -> None:
        with self._lock:
            if not self.failures:
                return
            message = self.failures.pop(0)
        domain._job_type = fake_libvirt.VIR_DOMAIN_JOB_FAILED
        raise _error(message)


def _error(message: str) -> Exception:
    error: Exception = fake_libvirt.make_libvirtError(
        fake_libvirt.libvirtError,
        message,
        error_code=fake_libvirt.VIR_ERR_INTERNAL_ERROR,
        error_domain=fake_libvirt.VIR_FROM_QEMU,
    )
    return error


def _abort_job(self: Any) -> None:
    """Cancel a migration that runs; the thread that migrates sees it at its next step."""
    self._is_aborted = True


def _job_stats(self: Any, flags: int = 0) -> dict[str, int]:
    """Describe the job of a domain; how one ended that failed is shown once, as libvirt does it.

    nova would take what is left of it for the end of the next migration.
    """
    total, processed = getattr(self, "_progress", (0, 0))
    job_type = self._job_type
    if job_type in _FAILURES:
        self._job_type = fake_libvirt.VIR_DOMAIN_JOB_NONE
    return {
        "type": job_type,
        "data_total": total,
        "data_processed": processed,
        "data_remaining": total - processed,
        "memory_total": total,
        "memory_processed": processed,
        "memory_remaining": total - processed,
    }
