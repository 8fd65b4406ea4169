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

"""``vfio-lm-host verify`` on the destination, after migrations that went well and that did not."""

from __future__ import annotations

import pathlib
import shutil

from tests.libvirt import base, qemu

MAP = ("--map", "0000:65:00.1=0000:ca:00.2")
REFUSED = (
    "0000:ca:00.2: Failed setting device state to RUNNING_P2P, err: Invalid argument. "
    "Recover state is ERROR. Resetting device"
)


class TestVerify(base.LibvirtTestCase):
    """Libvirt calls each of these migrations a success."""

    def verify(self, *arguments):
        return self.destination_host.vfio_lm_host("verify", "g1", *arguments)

    def refuse_states(self):
        """Let the destination's QEMU say what it says when a driver does not take the state."""
        path = self.destination_host.folder / "lib" / pathlib.Path(qemu.REFUSAL).name
        path.write_text(REFUSED)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def test_a_refused_state_is_found(self):
        self.refuse_states()
        self.start(["0000:65:00.1"])
        self.assertEqual(3, self.migrate(*MAP).returncode)
        finished = self.verify()
        self.assertEqual(2, finished.returncode, finished.stdout)
        self.assertRegex(
            finished.stdout,
            r"broken +a device did not take its state: \S+Z qemu-system-x86_64: 0000:ca:00.2: ",
        )
        self.assertIn("Broken: see above what and what to do.\n", finished.stdout)

    def test_the_migration_itself_tells_of_it_where_the_log_can_be_read(self):
        self.refuse_states()
        self.start(["0000:65:00.1"])
        log = self.destination_host.qemu_log("g1")
        finished = self.migrate(*MAP, "--qemu-log", str(log))
        self.assertEqual(2, finished.returncode, finished.stdout + finished.stderr)

    def test_an_older_refusal_is_none_of_this_migration(self):
        refusal = self.refuse_states()
        for status in (2, 0):
            self.start(["0000:65:00.1"])
            self.migrate(*MAP)
            finished = self.verify()
            self.assertEqual(status, finished.returncode, finished.stdout)
            self.remove_domains()
            refusal.unlink(missing_ok=True)

    def test_a_configuration_with_the_old_address_is_found(self):
        self.start(["0000:65:00.1"])
        mapping = {"0000:65:00.1": "0000:ca:00.2"}
        self.assertIsNone(self.migrate_by_libvirt(mapping, with_config=False))
        finished = self.verify()
        self.assertEqual(2, finished.returncode, finished.stdout)
        self.assertIn("the domain's configuration has 0000:65:00.1", finished.stdout)

    def test_a_domain_that_was_started_here_is_nothing_to_verify(self):
        self.destination.createXML(base.domain_xml(["0000:ca:00.2"]))
        finished = self.verify()
        self.assertEqual(3, finished.returncode, finished.stdout)
        self.assertIn("there is nothing to verify", finished.stdout)

    def test_a_log_that_is_not_there_is_unknown(self):
        self.destination.createXML(base.domain_xml(["0000:ca:00.2"]))
        finished = self.verify("--qemu-log", "/nowhere/g1.log")
        self.assertEqual(3, finished.returncode, finished.stdout)
        self.assertIn("/nowhere/g1.log: No such file or directory", finished.stdout)

    def test_the_kernels_word_on_a_device_counts(self):
        self.start(["0000:65:00.1"])
        self.migrate(*MAP)
        tree = self.destination_host.tree
        self.addCleanup(shutil.rmtree, tree.root / "sys/kernel/debug")
        for state, status in (("RUNNING", 0), ("ERROR", 2)):
            tree.debug("0000:ca:00.2", state=state)
            finished = self.verify()
            self.assertEqual(status, finished.returncode, finished.stdout)
            self.assertIn(f"device 0000:ca:00.2 in state {state}", finished.stdout)

    def test_a_domain_that_is_elsewhere_is_an_error(self):
        finished = self.verify()
        self.assertEqual(1, finished.returncode)
        self.assertIn("no domain g1 at qemu:///system", finished.stderr)
