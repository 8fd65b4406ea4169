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

"""A live migration through libvirt alone: asks both hosts, moves, can be stopped; judges nothing.

The migration is libvirt's peer-to-peer kind, as nova's is: the source's libvirtd does it, and goes
on with it if this process ends. ``virsh domjobinfo`` then tells how far it is, and ``virsh
domjobabort`` ends it.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from vfio_lm.compute.domain.remap import remap
from vfio_lm.compute.libvirt.client import Connection, asked
from vfio_lm.compute.libvirt.errors import OPERATION_ABORTED, LibvirtError
from vfio_lm.compute.libvirt.migration_plan import Destination, Host, Migration
from vfio_lm.compute.libvirt.progress import Progress
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress

_POLL_SECONDS = 0.25


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a migration may take; None leaves it to libvirt."""

    bandwidth_mib: int | None = None
    """MiB per second."""
    downtime_ms: int | None = None
    """How long the guest may stand still at the end."""
    timeout_seconds: float | None = None
    """After which the migration is stopped."""


class StoppedError(VfioLmError):
    """The migration was stopped before its end; the domain runs on the source."""


def look_at(
    source: Connection,
    destination: Connection,
    name: str,
    mapping: Mapping[PciAddress, PciAddress],
    *,
    is_forced: bool = False,
) -> Migration:
    """Ask both hosts all that has to be known before a domain is moved.

    :raises LibvirtError: if one of them does not answer
    :raises NotFoundError: if the source has no such domain
    """
    domain = source.domain(name)
    namesake = destination.find_domain(domain.uuid) or destination.find_domain(domain.name)
    return Migration(
        domain=domain,
        source=Host(source.uri, source.libvirt_version, source.qemu_version, source.node_devices()),
        destination=Destination(
            destination.uri,
            destination.libvirt_version,
            destination.qemu_version,
            destination.node_devices(),
            in_use=destination.devices_in_use(),
            namesake=None if namesake is None else namesake.name,
        ),
        mapping=mapping,
        is_forced=is_forced,
    )


def migrate(
    source: Connection,
    migration: Migration,
    limits: Limits,
    show: Callable[[Progress], None],
) -> bool:
    """Move a domain, and show how far it is.

    A KeyboardInterrupt stops the migration, and so does the end of the time that it may take.

    :returns: False if it was to be stopped, and that came too late
    :raises StoppedError: if it was stopped
    :raises LibvirtError: if libvirt refused, or failed
    """
    raw = source.raw_domain(migration.domain.uuid)
    with asked(f"domain {migration.domain.name} at {source.uri}"):
        parameters = _parameters(raw, migration, limits)
        flags = _flags(migration.domain.is_persistent)
        if limits.downtime_ms is not None:
            raw.migrateSetMaxDowntime(limits.downtime_ms)
    job = _Job(raw, lambda: raw.migrateToURI3(migration.destination.uri, parameters, flags))
    job.start()
    reason = _watch(job, limits, show)
    failure = job.failure
    if failure is None:
        return reason is None
    where = _where_it_is(raw, migration)
    if reason is not None and failure.get_error_code() == OPERATION_ABORTED:
        raise StoppedError(f"the migration was stopped {reason}: {where}")
    action = f"cannot migrate domain {migration.domain.name}; {where}"
    raise LibvirtError(action, failure.get_error_code(), str(failure))


class _Job:
    """The call that lasts as long as the migration, in a thread of its own."""

    def __init__(self, raw: Any, call: Callable[[], object]) -> None:
        self._raw = raw
        self._call = call
        # Not to be waited for at exit: it is libvirtd that does the work.
        self._thread = threading.Thread(target=self._run, name="migration", daemon=True)
        # Thread.join() takes a thread for ended once it was interrupted (Python 3.11).
        self._has_ended = threading.Event()
        self.failure: Any = None

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and say whether it has come."""
        return self._has_ended.wait(seconds)

    def progress(self) -> Progress | None:
        import libvirt

        try:
            return Progress.of(self._raw.jobStats())
        except libvirt.libvirtError:  # not begun, or at its end
            return None

    def abort(self) -> None:
        import libvirt

        # Before the job begins, and at its end, there is nothing to be stopped.
        try:
            self._raw.abortJob()
        except libvirt.libvirtError:
            return

    def _run(self) -> None:
        import libvirt

        try:
            self._call()
        except libvirt.libvirtError as exc:
            self.failure = exc
        finally:
            self._has_ended.set()


def _watch(job: _Job, limits: Limits, show: Callable[[Progress], None]) -> str | None:
    """Wait for the end of the migration; return why it was to be stopped, or None."""
    reason: str | None = None
    deadline = None if limits.timeout_seconds is None else time.monotonic() + limits.timeout_seconds
    while True:
        try:
            if job.wait(_POLL_SECONDS):
                return reason
            if reason is None and deadline is not None and time.monotonic() > deadline:
                reason = f"after {limits.timeout_seconds:g} s, which --timeout allows"
            if reason is not None:
                job.abort()
            elif progress := job.progress():
                show(progress)
        except KeyboardInterrupt:
            reason = "on your request"


def _parameters(raw: Any, migration: Migration, limits: Limits) -> dict[str, Any]:
    import libvirt

    # The persistent configuration has to be given, too: libvirt takes the source's otherwise.
    live = raw.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE)
    parameters: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: remap(live, migration.mapping, strict=True)
    }
    if migration.domain.is_persistent:
        config = raw.XMLDesc(
            libvirt.VIR_DOMAIN_XML_MIGRATABLE
            | libvirt.VIR_DOMAIN_XML_SECURE
            | libvirt.VIR_DOMAIN_XML_INACTIVE
        )
        parameters[libvirt.VIR_MIGRATE_PARAM_PERSIST_XML] = remap(
            config, migration.mapping, strict=True
        )
    if limits.bandwidth_mib is not None:
        parameters[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = limits.bandwidth_mib
    return parameters


def _flags(is_persistent: bool) -> int:
    import libvirt

    # nova/virt/libvirt/driver.py _prepare_migration_flags (nova 34.0.0); never with post-copy,
    # which QEMU refuses for VFIO devices when it is too late.
    flags = (
        libvirt.VIR_MIGRATE_LIVE
        | libvirt.VIR_MIGRATE_PEER2PEER
        | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
    )
    if is_persistent:
        flags |= libvirt.VIR_MIGRATE_PERSIST_DEST
    return int(flags)


def _where_it_is(raw: Any, migration: Migration) -> str:
    """Say where a domain is after a migration that failed."""
    import libvirt

    name = migration.domain.name
    try:
        state, _ = raw.state()
    except libvirt.libvirtError:
        state = None
    if state == libvirt.VIR_DOMAIN_RUNNING:
        return f"domain {name} still runs on the source"
    return (
        f"domain {name} does not run on the source: 'virsh domstate --reason {name}' tells about "
        f"it on both hosts"
    )
