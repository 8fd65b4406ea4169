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


"""A flavor is there with all that it should have, or not at all."""

from unittest import mock

import testtools

from tests.unit.inventory.cloud import flavor
from vfio_lm.cloud.model import NewFlavor
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.errors import CloudError
from vfio_lm.inventory.flavor import FlavorChange
from vfio_lm.inventory.write_flavor import apply_change, create_flavor

NEW = NewFlavor("new", vcpus=1, ram_mib=512, is_public=False)
CREATED = flavor("new")


class WriteTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.nova = mock.create_autospec(ComputeClient, instance=True)
        self.nova.create_flavor.return_value = CREATED


class TestCreate(WriteTestCase):
    def test_it_has_its_extra_specs_and_its_projects(self):
        self.nova.flavor.return_value = flavor("new", "vf:1")
        found = create_flavor(self.nova, NEW, {"a": "b"}, ["p1", "p2"])
        self.assertEqual(flavor("new", "vf:1"), found)
        self.nova.set_extra_specs.assert_called_once_with(CREATED.id, {"a": "b"})
        allowed = [each.args for each in self.nova.allow_flavor.call_args_list]
        self.assertEqual([(CREATED.id, "p1"), (CREATED.id, "p2")], allowed)
        self.nova.delete_flavor.assert_not_called()

    def test_what_fails_half_way_is_taken_back(self):
        for step in (self.nova.set_extra_specs, self.nova.allow_flavor, self.nova.flavor):
            self.nova.delete_flavor.reset_mock()
            step.side_effect = CloudError("refused")
            self.assertRaises(CloudError, create_flavor, self.nova, NEW, {}, ["p1"])
            self.nova.delete_flavor.assert_called_once_with(CREATED.id)
            step.side_effect = None

    def test_what_was_never_created_is_not_deleted(self):
        self.nova.create_flavor.side_effect = CloudError("refused")
        self.assertRaises(CloudError, create_flavor, self.nova, NEW, {})
        self.nova.delete_flavor.assert_not_called()


class TestApplyChange(WriteTestCase):
    def test_keys_are_set_and_removed(self):
        apply_change(self.nova, CREATED, FlavorChange(set={"a": "b"}, unset=("c", "d")))
        self.nova.set_extra_specs.assert_called_once_with(CREATED.id, {"a": "b"})
        removed = [each.args for each in self.nova.delete_extra_spec.call_args_list]
        self.assertEqual([(CREATED.id, "c"), (CREATED.id, "d")], removed)

    def test_nothing_to_set_is_not_sent(self):
        apply_change(self.nova, CREATED, FlavorChange(set={}, unset=("c",)))
        self.nova.set_extra_specs.assert_not_called()
