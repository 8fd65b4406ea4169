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

"""Which hosts a flavor is made to ask for, and what of an operator's is never touched."""

import testtools

from placement_sync.engine.finding import AuditFinding, Kind
from placement_sync.engine.flavors import judge_flavor, wanted_specs
from placement_sync.engine.plan import FlavorStep
from tests.unit.inventory.cloud import ALIASES, flavor, server
from tests.unit.placement_sync.fleet import LIVE, NOT_LIVE
from vfio_lm.inventory.flavor import pci_flavors
from vfio_lm.pci.alias_traits import Meaning

_HW, _NOT = f"trait:{LIVE}", f"trait:{NOT_LIVE}"
_PLAIN, _YES, _NO, _MIXED = frozenset(), {LIVE}, {NOT_LIVE}, {LIVE, NOT_LIVE}


class TestFlavors(testtools.TestCase):
    def judge(self, aliases, roots, servers=0, is_managed=True, **extra_specs):
        specs = {"pci_passthrough:alias": aliases} | extra_specs
        mine = flavor("f", extra_specs=specs)
        running = [server(f"s{number}", mine) for number in range(servers)]
        (item,) = pci_flavors([mine], running, ALIASES)
        found = list(judge_flavor(item, roots, is_managed=is_managed))
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def assert_set(self, expected, *args, **kwargs):
        step = self.judge(*args, **kwargs)
        self.assertIsInstance(step, FlavorStep, step)
        self.assertEqual(expected, dict(step.set))
        return step

    def assert_found(self, kind, *args, **kwargs):
        found = self.judge(*args, **kwargs)
        self.assertIsInstance(found, AuditFinding, found)
        self.assertIs(kind, found.kind)
        return found

    def test_each_meaning(self):
        fleet = [_YES, _NO, _PLAIN]
        self.assert_set({_HW: "required"}, "yes:1", fleet)
        self.assert_set({_HW: "forbidden"}, "no:2", fleet)
        for aliases in ("unspecified:1", "yes:1,no:1", "gone:1"):
            self.assertIsNone(self.judge(aliases, fleet), aliases)

    def test_a_mixed_fleet_requires_instead_of_forbidding(self):
        self.assert_set({_NOT: "required"}, "no:1", [_YES, _MIXED])
        self.assert_set({_HW: "required"}, "yes:1", [_NO, _MIXED])

    def test_what_is_set_right_stays(self):
        for aliases, specs in (
            ("yes:1", {_HW: "required"}),
            ("no:1", {_HW: "forbidden"}),
            ("no:1", {_NOT: "required"}),
            ("no:1", {_NOT: "required", _HW: "forbidden"}),
        ):
            self.assertIsNone(self.judge(aliases, [_YES, _NO], **specs), specs)

    def test_what_somebody_set_otherwise_is_told_and_not_changed(self):
        for aliases, specs in (
            ("yes:1", {_HW: "forbidden"}),
            ("no:1", {_HW: "required"}),
            ("no:1", {_NOT: "forbidden"}),
        ):
            found = self.assert_found(Kind.FLAVOR_DISAGREES, aliases, [_YES, _NO], **specs)
            self.assertIn(next(iter(specs)), found.text)

    def test_no_flavor_is_made_to_ask_for_hosts_that_do_not_exist(self):
        for aliases, roots in (("yes:1", [_NO, _PLAIN]), ("no:1", [_YES]), ("yes:1", [])):
            self.assert_found(Kind.FLAVOR_WITHOUT_HOST, aliases, roots)

    def test_a_flavor_that_has_lost_its_last_host(self):
        for aliases, specs in (("yes:1", {_HW: "required"}), ("no:1", {_NOT: "required"})):
            self.assert_found(Kind.FLAVOR_WITHOUT_HOST, aliases, [_PLAIN], **specs)

    def test_without_leave_only_what_is_wrong_is_told(self):
        self.assertIsNone(self.judge("yes:1", [_YES], is_managed=False))
        self.assertIsNone(self.judge("yes:1", [], is_managed=False))
        specs = {_HW: "forbidden"}
        found = self.judge("yes:1", [_YES], is_managed=False, **specs)
        self.assertIs(Kind.FLAVOR_DISAGREES, found.kind)

    def test_the_plan_tells_how_many_servers_run_on_it(self):
        step = self.assert_set({_HW: "required"}, "yes:1", [_YES], servers=3)
        self.assertEqual(3, step.servers)
        self.assertIn("3 servers", str(step))
        self.assertNotIn("server", str(self.judge("yes:1", [_YES])))

    def test_other_extra_specs_are_not_part_of_a_step(self):
        step = self.judge("yes:1", [_YES], **{"hw:cpu_policy": "dedicated"})
        self.assertEqual({_HW}, set(step.set))

    def test_what_says_nothing_needs_nothing(self):
        for meaning in set(Meaning) - {Meaning.YES, Meaning.NO}:
            self.assertEqual({}, wanted_specs(meaning, is_mixed_fleet=True))
