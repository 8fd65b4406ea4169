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

"""A migration is followed to its end and stopped on request; the domain's place is then said."""

import contextlib
import threading

import libvirt
import testtools

from tests.unit.compute import domains
from tests.unit.compute.libvirt.test_migration_plan import HERE, THERE, devices, domain, migration
from vfio_lm.compute.domain.remap import hostdev_addresses
from vfio_lm.compute.libvirt.errors import OPERATION_ABORTED, LibvirtError
from vfio_lm.compute.libvirt.migration import Limits, StoppedError, migrate

STATS = {"data_total": 64, "data_remaining": 32, "memory_iteration": 1}


class FakeError(libvirt.libvirtError):
    """An error with a number, as libvirtd would send it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.err = (code, 0, message, 2, message, None, None, -1, -1)


class FakeDomain:
    """A domain whose migration lasts until it is ended, or is stopped.

    :param on_stats: called when somebody asks how far it is
    """

    def __init__(self, on_stats, failure=None, is_stoppable=True):
        self.on_stats = on_stats
        self.failure = failure
        self.is_stoppable = is_stoppable
        self.end = threading.Event()
        self.calls = {}

    def XMLDesc(self, flags):  # noqa: N802
        return domains.domain(str(HERE)).xml()

    def migrateSetMaxDowntime(self, milliseconds):  # noqa: N802
        self.calls["downtime"] = milliseconds

    def migrateToURI3(self, uri, parameters, flags):  # noqa: N802
        self.calls |= {"uri": uri, "parameters": parameters, "flags": flags}
        if not self.end.wait(60):
            raise AssertionError("nothing ended the migration")
        if self.failure is not None:
            raise self.failure

    def jobStats(self):  # noqa: N802
        self.on_stats(self)
        return STATS

    def abortJob(self):  # noqa: N802
        if self.is_stoppable:
            self.failure = FakeError(OPERATION_ABORTED, "operation aborted")
        self.end.set()

    def state(self):
        return (libvirt.VIR_DOMAIN_RUNNING, 0)


class FakeSource:
    uri = "qemu:///system"

    def __init__(self, raw):
        self.raw = raw

    def raw_domain(self, uuid):
        return self.raw

    def apart(self):
        return contextlib.nullcontext(self)


def end(raw):
    raw.end.set()


def interrupt(raw):
    raise KeyboardInterrupt


class TestMigrate(testtools.TestCase):
    def migrate(self, raw, limits=None, **plan):
        self.shown = []
        return migrate(FakeSource(raw), migration(**plan), limits or Limits(), self.shown.append)

    def test_a_migration_that_ends_is_as_wished_and_was_shown(self):
        raw = FakeDomain(end)
        self.assertTrue(self.migrate(raw))
        self.assertEqual([50], [progress.percent for progress in self.shown])
        self.assertEqual("qemu+ssh://b/system", raw.calls["uri"])

    def test_both_configurations_get_the_new_addresses_and_no_post_copy(self):
        raw = FakeDomain(end)
        self.migrate(raw)
        for name in (libvirt.VIR_MIGRATE_PARAM_DEST_XML, libvirt.VIR_MIGRATE_PARAM_PERSIST_XML):
            self.assertEqual((THERE,), hostdev_addresses(raw.calls["parameters"][name]))
        self.assertTrue(raw.calls["flags"] & libvirt.VIR_MIGRATE_PERSIST_DEST)
        self.assertFalse(raw.calls["flags"] & libvirt.VIR_MIGRATE_POSTCOPY)

    def test_a_transient_domain_is_not_made_persistent(self):
        raw = FakeDomain(end)
        self.migrate(raw, domain_=domain(devices(HERE), is_persistent=False))
        self.assertNotIn(libvirt.VIR_MIGRATE_PARAM_PERSIST_XML, raw.calls["parameters"])
        self.assertFalse(raw.calls["flags"] & libvirt.VIR_MIGRATE_PERSIST_DEST)

    def test_limits_reach_libvirt(self):
        raw = FakeDomain(end)
        self.migrate(raw, Limits(bandwidth_mib=100, downtime_ms=2000))
        self.assertEqual(2000, raw.calls["downtime"])
        self.assertEqual(100, raw.calls["parameters"][libvirt.VIR_MIGRATE_PARAM_BANDWIDTH])

    def test_an_interrupt_stops_it(self):
        error = self.assertRaises(StoppedError, self.migrate, FakeDomain(interrupt))
        self.assertEqual(
            "the migration was stopped on your request: domain g1 still runs on the source",
            str(error),
        )

    def test_the_end_of_its_time_stops_it(self):
        raw = FakeDomain(lambda _: None)
        limits = Limits(timeout_seconds=0.001)
        error = self.assertRaises(StoppedError, self.migrate, raw, limits)
        self.assertIn("stopped after 0.001 s, which --timeout allows", str(error))

    def test_a_stop_that_comes_too_late_is_said(self):
        self.assertFalse(self.migrate(FakeDomain(interrupt, is_stoppable=False)))

    def test_libvirts_error_comes_with_the_place_of_the_domain(self):
        raw = FakeDomain(end, failure=FakeError(1, "vfio 0000:ca:00.1: error getting device"))
        error = self.assertRaises(LibvirtError, self.migrate, raw)
        self.assertIn("domain g1 still runs on the source: libvirt says: vfio", str(error))
