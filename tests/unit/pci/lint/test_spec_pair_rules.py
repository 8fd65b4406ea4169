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

"""What is said about a device specification that another one decides before."""

import testtools

from tests.unit.compute.host.trees import TreeCase
from tests.unit.pci.lint.services import SPEC, YES
from tests.unit.pci.lint.test_device_spec_rules import SpecCase
from tests.unit.pci.lint.test_linter import service
from vfio_lm.pci.conf_text import read_conf_text
from vfio_lm.pci.lint import spec_pair_rules as rules
from vfio_lm.pci.lint.linter import Service, lint

_SPEC = '{"vendor_id": "15b3", "product_id": "101e"}'


def shadowed(one):
    return [found.why for found in lint([one]) if found.rule == "spec-shadowed"]


class TestPairs(SpecCase):
    slot = SPEC | {"address": "0000:81:00.*"}

    def test_a_wider_specification_before_it_leaves_nothing(self):
        for wide in ({"vendor_id": "15b3"}, SPEC, SPEC | {"address": "0000:81:*.*"}):
            self.assertEqual([2], self.lines(rules.shadowed_specs, wide, self.slot), wide)
            self.assertEqual([], self.lines(rules.shadowed_specs, self.slot, wide), wide)

    def test_a_single_address_may_mean_the_vfs_of_a_pf_elsewhere(self):
        one = SPEC | {"address": "0000:81:00.0"}
        self.assertEqual([], self.lines(rules.shadowed_specs, one, one))
        self.assertEqual([2], self.lines(rules.shadowed_specs, SPEC, one))

    def test_remotely_managed_devices_are_others(self):
        remote = SPEC | {"remote_managed": "true"}
        self.assertEqual([], self.lines(rules.shadowed_specs, remote, self.slot))

    def test_vfs_of_one_slot_need_the_same_tags_where_they_are_reported(self):
        rule = rules.disagreeing_vfs
        first = SPEC | {"address": "0000:81:00.1"} | YES | {"managed": "no"}
        right = self.slot | {"live_migratable": "yes", "managed": "no"}
        self.assertEqual([right], self.mended(rule, first, self.slot, reports=True))
        self.assertEqual([], self.mended(rule, first, right, reports=True))
        self.assertEqual([], self.mended(rule, first, self.slot))

    def test_another_bus_or_another_product_is_no_vf_of_the_same_pf(self):
        first = SPEC | YES | {"address": "0000:81:00.1"}
        for change in ({"address": "0000:82:00.*"}, {"product_id": "1019"}):
            found = self.lines(rules.disagreeing_vfs, first, self.slot | change, reports=True)
            self.assertEqual([], found, change)


class TestPlaces(testtools.TestCase):
    def test_the_earlier_one_of_a_list_is_named_by_its_number(self):
        (why,) = shadowed(service(specs=[f"[{_SPEC}, {_SPEC}]"]))
        self.assertIn("entry 1 of this list means all of these", why)

    def test_the_earlier_one_of_a_file_is_named_by_its_line(self):
        (why,) = shadowed(service(specs=[_SPEC, _SPEC]))
        self.assertIn("line 1 means all of these", why)


class TestPlacesInAFolder(TreeCase):
    def test_the_earlier_one_in_another_file_is_named_with_the_file(self):
        for name in ("a", "b"):
            self.tree.write(f"conf.d/{name}.conf", f"[pci]\ndevice_spec = {_SPEC}\n")
        folder = self.folder / "conf.d"
        (why,) = shadowed(Service("compute1", read_conf_text([folder])))
        self.assertIn(f"{folder}/a.conf:2 means all of these", why)
