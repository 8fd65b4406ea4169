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


"""What follows from the numbers and states that nova shows."""

import dataclasses

import testtools

from tests.unit.inventory.cloud import flavor, server
from vfio_lm.cloud.model import Flavor, NewFlavor


class TestFlavor(testtools.TestCase):
    def test_the_root_disk_is_what_ephemeral_disk_and_swap_leave(self):
        found = Flavor("m1", 1, 512, disk_gib=8, extra_specs={}, ephemeral_gib=2, swap_mib=1025)
        self.assertEqual(4, found.root_gib)
        self.assertEqual((1, 512, 8, 2, 1025), found.size)

    def test_a_flavor_that_is_to_be_created_is_what_nova_would_make_of_it(self):
        new = NewFlavor("new", 2, 1024, root_gib=4, ephemeral_gib=2, swap_mib=1025, is_public=False)
        found = new.as_created({"a": "b"})
        self.assertEqual(("", False, "new"), (found.id, found.is_public, found.name))
        self.assertEqual((2, 1024, 8, 2, 1025), found.flavor.size)
        self.assertEqual((4, {"a": "b"}), (found.flavor.root_gib, found.flavor.extra_specs))
        chosen = dataclasses.replace(new, id="7", description="d").as_created({})
        self.assertEqual(("7", "d"), (chosen.id, chosen.description))


class TestServer(testtools.TestCase):
    def test_a_server_with_a_task_or_a_resize_may_be_on_two_hosts(self):
        of = flavor("m1")
        self.assertTrue(server("a", of).is_settled)
        self.assertFalse(server("a", of, task_state="migrating").is_settled)
        self.assertFalse(server("a", of, vm_state="resized").is_settled)
