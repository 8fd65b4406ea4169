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

"""What can be pasted stands on lines of its own, and the line before says where to."""

from __future__ import annotations

import testtools

from vfio_lm.preflight.wording import remedy


class TestRemedy(testtools.TestCase):
    def test_what_can_be_pasted_begins_with_two_spaces(self):
        for said in (
            remedy.on_host("c1", "systemctl start nova-compute"),
            remedy.check_again("--nova-conf FILE"),
            remedy.conf_of("c1"),
            remedy.bind("c1", ["0000:81:00.1", "0000:81:00.2"]),
            remedy.resize("s1", "without it"),
            remedy.make_room("c1", with_devices=True),
            remedy.enable("c1"),
            remedy.set_up("c1"),
            remedy.HYPERVISORS,
        ):
            first, *others = said.split("\n")
            self.assertTrue(first.endswith(":"), said)
            self.assertTrue(others and all(line.startswith("  ") for line in others), said)

    def test_steps_keep_their_order(self):
        self.assertEqual("first\nsecond", remedy.steps("first", "second"))

    def test_nova_compute_is_restarted_after_its_nova_conf_is_changed(self):
        said = remedy.in_nova_conf("c1", "libvirt", "a = 1", why="to see, ")
        self.assertEqual(
            [
                "to see, in [libvirt] of nova.conf on c1:",
                "  a = 1",
                "on c1:",
                "  systemctl restart nova-compute",
            ],
            said.split("\n"),
        )

    def test_the_facts_of_a_host_are_taken_before_they_are_told(self):
        lines = remedy.probe("c1").split("\n")
        self.assertLess(
            lines.index("  vfio-lm-host probe -f json > c1.json"),
            lines.index("  --host-facts c1.json"),
        )


class TestTellOfHosts(testtools.TestCase):
    def test_each_host_is_probed_once_and_told_once(self):
        lines = remedy.tell_of_hosts(["c1", "c2", "c1"], ["c2"]).split("\n")
        self.assertEqual(
            [
                "on c1:",
                "  vfio-lm-host probe -f json > c1.json",
                "on c2:",
                "  vfio-lm-host probe -f json > c2.json",
                "with the nova.conf of nova-compute of each host as FILE, check again with:",
                "  --nova-conf c2=FILE",
                "  --host-facts c1.json",
                "  --host-facts c2.json",
            ],
            lines,
        )

    def test_of_a_nova_conf_nothing_is_said_where_none_is_missing(self):
        self.assertNotIn("nova.conf", remedy.tell_of_hosts(["c1"], ()))
