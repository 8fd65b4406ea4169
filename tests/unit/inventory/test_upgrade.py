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

"""The plan that makes servers live migratable: what is resized, confirmed, and left alone."""

import testtools

from tests.unit.inventory.cloud import ALIAS, ALIASES, TRAIT, flavor, server
from vfio_lm.inventory.flavor import FlavorError
from vfio_lm.inventory.upgrade import TAG, Action, parse_flavor_map, plan

OLD = flavor("old", "unspecified:1")
NEW = flavor("new", "yes:1")


def steps(*servers, flavors=(OLD, NEW), ports=None, flavor_map=None):
    return plan(servers, flavors, ports or {}, ALIASES, flavor_map or {})


class TestTarget(testtools.TestCase):
    def target(self, *flavors, old=OLD, **kwargs):
        (step,) = steps(server("vm", old), flavors=(old, *flavors), **kwargs)
        return step.target.name if step.target else None

    def test_the_same_size_and_the_same_devices(self):
        self.assertEqual("new", self.target(NEW))
        self.assertEqual("new", self.target(NEW, old=flavor("old", "no:1")))

    def test_another_size_is_no_target(self):
        for change in (
            {"vcpus": 2},
            {"ram_mib": 1024},
            {"disk_gib": 2},
            {"ephemeral_gib": 1},
            {"swap_mib": 1},
        ):
            self.assertIsNone(self.target(flavor("new", "yes:1", **change)), change)

    def test_other_devices_are_no_target(self):
        for aliases in ("yes:2", "other:1", "unspecified:1", "no:1", "yes:1,other:1", "gone:1"):
            self.assertIsNone(self.target(flavor("new", aliases)), aliases)
        self.assertIsNone(self.target(flavor("new")))

    def test_other_properties_are_no_target_but_those_of_the_devices_may_differ(self):
        differs = flavor("new", extra_specs={ALIAS: "yes:1", "hw:cpu_policy": "dedicated"})
        self.assertIsNone(self.target(differs))
        follows = flavor("new", extra_specs={ALIAS: "yes:1", TRAIT: "required"})
        self.assertEqual("new", self.target(follows))

    def test_two_that_fit_are_none(self):
        self.assertIsNone(self.target(NEW, flavor("newer", "yes:1")))

    def test_the_map_decides_by_name_or_id(self):
        big = flavor("big", "yes:4", vcpus=8)
        for old in ("old", "id-old"):
            for new in ("big", "id-big"):
                self.assertEqual("big", self.target(NEW, big, flavor_map={old: new}))
        self.assertEqual("new", self.target(NEW, big, flavor_map={"else": "big"}))

    def test_the_map_helps_where_an_alias_is_not_known(self):
        gone = flavor("old", "gone:1")
        self.assertIsNone(self.target(NEW, old=gone))
        self.assertEqual("new", self.target(NEW, old=gone, flavor_map={"old": "new"}))

    def test_the_flavor_of_a_server_may_be_deleted(self):
        (step,) = steps(server("vm", OLD), flavors=(NEW,), flavor_map={"old": "new"})
        self.assertIs(Action.RESIZE, step.action)

    def test_the_map_resizes_servers_whose_alias_became_yes_after_they_were_made(self):
        changed = flavor("old", "yes:1")
        self.assertEqual("new", self.target(NEW, old=changed, flavor_map={"old": "new"}))
        self.assertEqual((), steps(server("vm", NEW), flavor_map={"old": "new"}))

    def test_a_map_that_goes_round_in_circles_is_refused(self):
        for flavor_map in ({"old": "old"}, {"id-old": "old"}, {"a": "new", "new": "old"}):
            yes = flavor("old", "yes:1")
            self.assertRaises(FlavorError, self.target, NEW, old=yes, flavor_map=flavor_map)

    def test_a_map_to_what_is_no_way_out_is_refused(self):
        for new in ("gone", "old", "plain"):
            self.assertRaises(
                FlavorError,
                self.target,
                flavor("plain"),
                flavor_map={"old": new},
            )


class TestActions(testtools.TestCase):
    def action(self, of=OLD, **changes):
        found = steps(server("vm", of, **changes))
        return found[0].action if found else None

    def test_servers_that_need_nothing_are_not_in_the_plan(self):
        self.assertIsNone(self.action(NEW))
        self.assertIsNone(self.action(flavor("plain")))

    def test_only_servers_that_nova_can_resize_are_resized(self):
        self.assertIs(Action.RESIZE, self.action())
        self.assertIs(Action.RESIZE, self.action(status="SHUTOFF"))
        self.assertIs(Action.NONE, self.action(status="PAUSED"))
        self.assertIs(Action.NONE, self.action(status="ERROR"))
        self.assertIs(Action.NONE, self.action(task_state="rebooting"))

    def test_only_resizes_of_this_plan_are_confirmed(self):
        tagged = frozenset({TAG})
        for status in ("RESIZE", "VERIFY_RESIZE"):
            for of in (OLD, NEW):
                self.assertIs(Action.CONFIRM, self.action(of, status=status, tags=tagged))
                self.assertIs(Action.NONE, self.action(of, status=status))

    def test_what_is_left_of_a_run_is_found(self):
        tagged = frozenset({TAG})
        self.assertIs(Action.UNTAG, self.action(NEW, tags=tagged))
        self.assertIs(Action.RESIZE, self.action(OLD, tags=tagged))
        self.assertIs(Action.NONE, self.action(NEW, tags=tagged, status="ERROR"))

    def test_what_is_begun_comes_first(self):
        tagged = frozenset({TAG})
        found = steps(
            server("d", OLD, status="PAUSED"),
            server("c", OLD),
            server("b", OLD, status="RESIZE", tags=tagged),
            server("a", NEW, tags=tagged),
            ports={"id-c": ("port",)},
        )
        self.assertEqual(
            [Action.UNTAG, Action.CONFIRM, Action.RESIZE, Action.REATTACH, Action.NONE],
            [step.action for step in found],
        )

    def test_nics_are_never_executed(self):
        (step,) = steps(server("vm", flavor("plain")), ports={"id-vm": ("p1", "p2")})
        self.assertIs(Action.REATTACH, step.action)
        self.assertFalse(step.is_executable)
        self.assertEqual(
            (
                "openstack server remove port id-vm p1",
                "openstack server add port id-vm p1",
                "openstack server remove port id-vm p2",
                "openstack server add port id-vm p2",
            ),
            step.commands,
        )


class TestFlavorMap(testtools.TestCase):
    def test_reading(self):
        self.assertEqual({"a": "b", "c": "d=e"}, parse_flavor_map(["a=b", "c=d=e", "a=b"]))
        for items in (["a"], ["a="], ["=b"], ["a=b", "a=c"]):
            self.assertRaises(FlavorError, parse_flavor_map, items)
