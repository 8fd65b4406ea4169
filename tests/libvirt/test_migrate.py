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

"""A server with VFs is moved between two real libvirtd by ``vfio-lm-host migrate``."""

from __future__ import annotations

import datetime
import re
import signal
import threading

from tests.libvirt import base
from tests.libvirt.hosts import wait_for
from vfio_lm.pci import DeviceKind, PciAddress
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser, HostFacts
from vfio_lm.pci.migratability import MigrationFlags

PROGRESS = re.compile(r" *\d+ %  \d+ MiB to go of \d+ MiB")

NOVAS = """\
<metadata>
 <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
  <nova:name>server</nova:name>
 </nova:instance>
</metadata>
"""


class TestMoves(base.LibvirtTestCase):
    """What arrives, and where."""

    def assert_moved(self, mapping: dict[str, str]) -> None:
        self.start(list(mapping))
        maps = [each for pair in mapping.items() for each in ("--map", "=".join(pair))]
        finished = self.migrate(*maps)
        # 3: the log of the destination's QEMU is not to be seen from the source
        self.assertEqual(3, finished.returncode, finished.stdout + finished.stderr)
        self.assertEqual([], self.names(self.source))
        self.assertTrue(self.is_running(self.destination))
        wanted = list(mapping.values())
        self.assertEqual((wanted, wanted), self.devices(self.destination))

    def test_a_device_has_its_new_address_now_and_at_the_next_start(self):
        self.assert_moved({"0000:65:00.1": "0000:ca:00.2"})

    def test_two_devices_change_places(self):
        self.assert_moved({"0000:65:00.1": "0000:ca:00.1", "0000:ca:00.1": "0000:65:00.1"})

    def test_a_device_goes_where_the_next_one_was(self):
        self.assert_moved({"0000:65:00.1": "0000:65:00.2", "0000:65:00.2": "0000:65:00.3"})

    def test_a_domain_without_configuration_gets_none(self):
        self.source.createXML(base.domain_xml(["0000:65:00.1"]))
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2")
        self.assertEqual(3, finished.returncode, finished.stderr)
        self.assertEqual(["0000:ca:00.2"], self.devices(self.destination)[0])
        self.assertFalse(self.destination.lookupByName("g1").isPersistent())

    def test_the_destination_verifies_it(self):
        self.start(["0000:65:00.1"])
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2", "--downtime", "1000")
        self.assertIn("To verify it: ssh 10.99.0.2 vfio-lm-host verify g1\n", finished.stdout)
        verified = self.destination_host.vfio_lm_host("verify", "g1")
        self.assertEqual((0, ""), (verified.returncode, verified.stderr), verified.stdout)

    def test_a_log_that_can_be_read_here_verifies_it_at_once(self):
        self.start(["0000:65:00.1"])
        log = self.destination_host.qemu_log("g1")
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2", "--qemu-log", str(log))
        self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
        self.assertIn("Verified: nothing speaks against it.\n", finished.stdout)

    def test_a_domain_of_novas_is_moved_by_force_alone(self):
        self.start(["0000:65:00.1"], metadata=NOVAS)
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2")
        self.assertEqual(1, finished.returncode)
        self.assertIn("openstack server migrate --live-migration", finished.stderr)
        self.assert_still_on_source()
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2", "--force")
        self.assertEqual(3, finished.returncode, finished.stderr)
        self.assertTrue(self.is_running(self.destination))


class TestRefusals(base.LibvirtTestCase):
    """What is found before libvirt is asked to move anything."""

    def assert_refused(self, expected: str, *arguments: str) -> None:
        finished = self.migrate(*arguments)
        self.assertEqual(1, finished.returncode, finished.stdout + finished.stderr)
        self.assertIn(expected, finished.stderr)
        self.assert_still_on_source()

    def test_a_dry_run_shows_the_plan_and_changes_nothing(self):
        self.start(["0000:65:00.1"])
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2", "--dry-run")
        self.assertEqual(0, finished.returncode, finished.stderr)
        self.assertIn("  0000:65:00.1 -> 0000:ca:00.2  15b3:101e mlx5_vfio_pci\n", finished.stdout)
        self.assertIn("Nothing was changed: --dry-run.\n", finished.stdout)
        self.assert_still_on_source()

    def test_a_device_that_does_not_exist(self):
        self.start(["0000:65:00.1"])
        self.assert_refused(
            "the destination has no PCI device 0000:ca:1f.7",
            *("--map", f"0000:65:00.1={base.ABSENT_VF}"),
        )

    def test_a_device_of_another_kind(self):
        self.start(["0000:65:00.1"])
        self.assert_refused(
            f"0000:65:00.1 is a 15b3:101e and {base.PLAIN_VF} on the destination a 8086:10ca",
            *("--map", f"0000:65:00.1={base.PLAIN_VF}"),
        )

    def test_a_device_that_another_domain_has(self):
        self.start(["0000:65:00.1"])
        other = base.domain_xml(["0000:ca:00.2"], name="other", uuid=base.UUID[:-1] + "6")
        running = self.destination.createXML(other)
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2")
        running.destroy()
        self.assertIn("0000:ca:00.2 is in use by domain other", finished.stderr)
        self.assert_still_on_source()

    def test_a_device_on_another_driver(self):
        self.start(["0000:65:00.1"])
        tree = self.destination_host.tree
        tree.bind("0000:ca:00.2", "vfio-pci")
        self.addCleanup(tree.bind, "0000:ca:00.2", "mlx5_vfio_pci")
        self.assert_refused(
            "0000:ca:00.2 is bound to vfio-pci on the destination, and 0000:65:00.1 on the source "
            "to mlx5_vfio_pci",
            *("--map", "0000:65:00.1=0000:ca:00.2"),
        )

    def test_a_left_over_of_the_same_name(self):
        self.start(["0000:65:00.1"])
        left_over = self.destination.defineXML(base.domain_xml([]))
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2")
        left_over.undefine()
        self.assertIn("the destination has a domain g1 already", finished.stderr)
        self.assert_still_on_source()

    def test_an_unreachable_destination(self):
        self.start(["0000:65:00.1"])
        finished = self.source_host.vfio_lm_host(
            *("migrate", "g1", "qemu+tcp://10.99.0.3/system", "--map", "0000:65:00.1=0000:ca:00.2")
        )
        self.assertEqual(1, finished.returncode)
        self.assertRegex(
            finished.stderr, "^vfio-lm-host: cannot connect to libvirtd at qemu.tcp://10.99.0.3/"
        )
        self.assertEqual(1, len(finished.stderr.splitlines()), finished.stderr)
        self.assert_still_on_source()

    def test_an_unknown_domain(self):
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2", domain="missing")
        self.assertEqual(1, finished.returncode)
        self.assertIn("no domain missing at qemu:///system", finished.stderr)

    def test_a_map_that_nobody_can_choose(self):
        self.start(["0000:65:00.1"])
        self.assert_refused("run 'vfio-lm-host probe -f json > FILE' on each of them", "--auto")


class TestChoice(base.LibvirtTestCase):
    """Which devices ``--auto`` takes, from the facts of both hosts."""

    def facts(self, host, *used):
        """Write what the probe says of a host whose free VFs are as good as each other."""
        devices = tuple(
            DeviceFacts(
                PciAddress.parse(address),
                "15b3",
                "101e",
                DeviceKind.VF,
                driver="mlx5_vfio_pci",
                has_variant_driver=True,
                firmware="28.39.1002",
                migration=MigrationFlags(stop_copy=True, p2p=True),
                logs_dma=True,
                user=DeviceUser("other") if address in used else None,
            )
            for address in ("0000:ca:00.1", "0000:ca:00.2", "0000:65:00.1")
        )
        taken_at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        path = host.folder.parent / f"{host.name}.json"
        path.write_text(HostFacts(host.name, taken_at, devices).to_json())
        return str(path)

    def test_a_free_device_of_the_same_kind_is_taken(self):
        self.start(["0000:65:00.1"])
        finished = self.migrate(
            *("--auto", "--source-facts", self.facts(self.source_host)),
            *("--destination-facts", self.facts(self.destination_host, "0000:65:00.1")),
        )
        self.assertEqual(3, finished.returncode, finished.stderr)
        self.assertEqual((["0000:ca:00.1"], ["0000:ca:00.1"]), self.devices(self.destination))

    def test_nothing_is_moved_where_all_are_taken(self):
        self.start(["0000:65:00.1"])
        every = ("0000:ca:00.1", "0000:ca:00.2", "0000:65:00.1")
        finished = self.migrate(
            *("--auto", "--source-facts", self.facts(self.source_host)),
            *("--destination-facts", self.facts(self.destination_host, *every)),
        )
        self.assertEqual(1, finished.returncode)
        self.assertIn(
            "host-b has no free devices of the same kind for 0000:65:00.1", finished.stderr
        )
        self.assert_still_on_source()


class TestInterruptions(base.LibvirtTestCase):
    """A guest that writes much memory is never done migrating over a slow line."""

    def test_ctrl_c_stops_the_migration(self):
        process = self._begin()
        self.source_host.signal(process, signal.SIGINT)
        self._assert_stopped(process, "the migration was stopped on your request")

    def test_so_does_a_polite_end_of_the_command(self):
        process = self._begin()
        self.source_host.signal(process, signal.SIGTERM)
        self._assert_stopped(process, "the migration was stopped on your request")

    def test_a_guest_that_may_stand_still_for_long_enough_is_moved(self):
        process = self._begin("--bandwidth", "20", "--downtime", "60000")
        output, errors = process.communicate(timeout=300)
        self.assertEqual(3, process.returncode, output + errors)
        self.assertTrue(self.is_running(self.destination))

    def test_the_end_of_its_time_stops_the_migration(self):
        process = self._slow("--timeout", "2")
        self._assert_stopped(process, "the migration was stopped after 2 s")

    def test_a_killed_command_leaves_the_migration_to_libvirtd(self):
        process = self._begin()
        self.source_host.signal(process, signal.SIGKILL)
        process.communicate(timeout=60)
        again = self.migrate("--map", "0000:65:00.1=0000:ca:00.2")
        self.assertEqual(1, again.returncode)
        self.assertIn("'virsh domjobabort g1' ends it", again.stderr)
        self.source.lookupByName("g1").migrateSetMaxSpeed(2**20)
        wait_for("libvirtd ends the migration", lambda: self.names(self.source) == [])
        self.assertEqual((["0000:ca:00.2"], ["0000:ca:00.2"]), self.devices(self.destination))
        verified = self.destination_host.vfio_lm_host("verify", "g1")
        self.assertEqual(0, verified.returncode, verified.stdout)

    def test_what_a_killed_command_left_can_be_stopped(self):
        process = self._begin()
        self.source_host.signal(process, signal.SIGKILL)
        process.communicate(timeout=60)
        self.source.lookupByName("g1").abortJob()
        wait_for("the destination is empty", lambda: self.names(self.destination) == [])
        self.assert_still_on_source()

    def _begin(self, *arguments):
        """Start a migration that does not end, and wait until its progress is shown."""
        process = self._slow(*arguments)
        # One that shows nothing fails the test instead of holding it up for ever.
        limit = threading.Timer(120, self.source_host.signal, (process, signal.SIGKILL))
        limit.start()
        try:
            if not any(PROGRESS.match(line) for line in process.stdout):
                raise AssertionError(process.stderr.read())
        finally:
            limit.cancel()
        return process

    def _slow(self, *arguments):
        """Start a migration that does not end."""
        self.start(["0000:65:00.1"], busy_disk=self.busy_disk)
        domain = self.source.lookupByName("g1")
        wait_for("the guest writes to its memory", lambda: self.writes_memory(domain))
        return self.migrate_in_background(
            *("--map", "0000:65:00.1=0000:ca:00.2", "--bandwidth", "1"),
            # so that a test that fails does not wait for ever
            *("--timeout", "300", *arguments),
        )

    def _assert_stopped(self, process, expected):
        output, errors = process.communicate(timeout=120)
        self.assertEqual(1, process.returncode, output + errors)
        self.assertIn(expected, errors)
        self.assertIn("domain g1 still runs on the source", errors)
        self.assert_still_on_source()
