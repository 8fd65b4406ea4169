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
on with it if this process ends. ``virsh domjobinfo`` then shows how far it is, and ``virsh
domjobabort`` ends it.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Any

from vfio_lm.compute.domain.remap import remap
from vfio_lm.compute.libvirt.connection import Connection, asked
from vfio_lm.compute.libvirt.errors import OPERATION_ABORTED, LibvirtError
from vfio_lm.compute.libvirt.migration_plan import DestinationEnd, HostEnd, MigrationPlan
from vfio_lm.compute.libvirt.progress import JobProgress
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress
from vfio_lm.polling import Clock, poll

_POLL_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
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
) -> MigrationPlan:
    """Ask both hosts all that has to be known before a domain is moved.

    :raises LibvirtError: if one of them does not answer
    :raises NotFoundError: if the source has no such domain
    """
    domain = source.domain(name)
    namesake = destination.find_domain(domain.uuid) or destination.find_domain(domain.name)
    return MigrationPlan(
        domain=domain,
        source=HostEnd(
            source.uri, source.libvirt_version, source.qemu_version, source.node_devices()
        ),
        destination=DestinationEnd(
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
    migration: MigrationPlan,
    limits: Limits,
    show: Callable[[JobProgress], None],
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
    with source.apart() as apart:
        watched = apart.raw_domain(migration.domain.uuid)
        job = _Job(watched, lambda: raw.migrateToURI3(migration.destination.uri, parameters, flags))
        job.start()
        reason = _JobWatch(job, limits, show).wait()
    failure = job.failure
    if failure is None:
        return reason is None
    where = _where_it_is(raw, migration)
    if reason is not None and failure.get_error_code() == OPERATION_ABORTED:
        raise StoppedError(f"the migration was stopped {reason}: {where}")
    action = f"cannot migrate domain {migration.domain.name}; {where}"
    raise LibvirtError(action, failure.get_error_code(), str(failure))


class _Job:
    """The call that lasts as long as the migration, in a thread of its own.

    :param raw: libvirt-python's domain, of another connection than that of the call
    """

    def __init__(self, raw: Any, call: Callable[[], object]) -> None:
        self._raw = raw
        self._call = call
        # Not to be waited for at exit: it is libvirtd that does the work.
        self._thread = threading.Thread(target=self._run, name="migration", daemon=True)
        # Thread.join() takes a thread for ended once it was interrupted (Python 3.11).
        self._end = threading.Event()
        self.failure: Any = None

    def start(self) -> None:
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return self._end.is_set()

    def wait(self, seconds: float) -> None:
        """Wait for the end, but no longer than this."""
        self._end.wait(seconds)

    def progress(self) -> JobProgress | None:
        import libvirt

        try:
            return JobProgress.of(self._raw.jobStats())
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
            self._end.set()


class _JobWatch:
    """Looks at a migration until it has ended, and stops it when it has to.

    :param show: called with each progress
    """

    def __init__(self, job: _Job, limits: Limits, show: Callable[[JobProgress], None]) -> None:
        self._job = job
        self._limits = limits
        self._show = show
        self._reason: str | None = None
        """Why the migration is to be stopped."""

    def wait(self) -> str | None:
        """Wait for the end of the migration; return why it was to be stopped, or None."""
        clock = Clock(sleep=self._job.wait)
        while not self._job.has_ended:
            try:
                poll(self._look, every=_POLL_SECONDS, clock=clock)
            except KeyboardInterrupt:
                self._reason = "on your request"
        return self._reason

    def _look(self, seconds: float) -> bool | None:
        if self._job.has_ended:
            return True
        limit = self._limits.timeout_seconds
        if self._reason is None and limit is not None and seconds > limit:
            self._reason = f"after {limit:g} s, which --timeout allows"
        if self._reason is not None:
            self._job.abort()
        elif progress := self._job.progress():
            self._show(progress)
        return None


def _parameters(raw: Any, migration: MigrationPlan, limits: Limits) -> dict[str, Any]:
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


def _where_it_is(raw: Any, migration: MigrationPlan) -> str:
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
        f"domain {name} does not run on the source: 'virsh domstate --reason {name}' says more "
        f"on both hosts"
    )
