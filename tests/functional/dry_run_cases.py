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

"""Servers of many kinds, whose live migration nova's code is asked about; for each release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.cloud.administrator import wait_for
from tests.functional.dry_running import DryRunTestCase
from vfio_lm.compute.domain.remap import hostdev_addresses
from vfio_lm.pci.nova_word import Decider, Ending


class Kinds(DryRunTestCase):
    """What the dry run says is what nova does."""

    def test_a_server_with_a_vf(self):
        answer = self.hold_both(self.boot(self.flavor("vf-yes:1"), "compute1"))
        self.assertIs(Ending.ACCEPTED, answer.ending)

    def test_a_server_with_pinned_cpus_and_two_vfs(self):
        flavor = self.admin.flavor("vf-good:2", vcpus=2, **{"hw:cpu_policy": "dedicated"})
        self.hold_both(self.boot(flavor, "compute1"))

    def test_a_vf_of_another_numa_node_than_the_claim_chooses(self):
        # The scheduler chooses a good VF, of node 1; the claim looks for any, from node 0 on.
        flavor = self.admin.flavor("vf-good:1", **{"hw:cpu_policy": "dedicated"})
        answer = self.hold_both(self.boot(flavor, "compute1"))
        self.assertIs(Ending.ERROR, answer.ending)
        (objection,) = answer.destinations[0].objections
        self.assertEqual(
            (Decider.COMPUTE, "PciDeviceRequestFailed"), (objection.decider, objection.name)
        )

    def test_a_server_on_two_numa_nodes_without_devices(self):
        flavor = self.admin.flavor(None, vcpus=2, **{"hw:numa_nodes": "2"})
        answer = self.hold_both(self.boot(flavor, "compute1"))
        self.assertEqual((0, 1), answer.destinations[0].cells)

    def test_a_server_whose_alias_does_not_say_yes(self):
        answer = self.hold_both(self.boot(self.flavor("vf-any:1"), "compute1"))
        (objection,) = answer.destinations[0].objections
        self.assertIs(Decider.CONDUCTOR, objection.decider)
        self.assertIn("does not explicitly request live-migratable devices", objection.reason)

    def test_a_host_that_is_full_disabled_or_down(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        for _ in range(4):
            self.boot(self.flavor("vf-yes:1"), "compute2")
        self.cloud.disable_host("compute3")
        answer = self.hold(server)
        self.assertIs(Ending.REFUSED, answer.ending)
        deciders = [each.objections[0].decider for each in answer.destinations]
        self.assertEqual([Decider.PLACEMENT, Decider.PLACEMENT], deciders)
        self.cloud.enable_host("compute3")
        self.cloud.stop_host("compute3")
        answer = self.hold(server, "compute3")
        (objection,) = answer.destinations[0].objections
        self.assertEqual("ComputeFilter", objection.name)

    def test_a_server_that_is_locked_paused_or_off(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.admin.act(server, {"lock": None})
        self.hold(server, "compute2")
        self.admin.act(server, {"unlock": None})
        self.admin.act(server, {"pause": None})
        wait_for("it is paused", lambda: self.show(server)["status"] == "PAUSED")
        self.hold(server, "compute3")
        self.admin.act(server, {"unpause": None})
        wait_for("it runs", lambda: self.show(server)["status"] == "ACTIVE")
        self.admin.act(server, {"os-stop": None})
        wait_for("it is off", lambda: self.show(server)["status"] == "SHUTOFF")
        answer = self.hold(server)
        self.assertEqual(
            (Ending.REFUSED, Decider.API), (answer.ending, answer.objections[0].decider)
        )

    def test_the_host_that_the_server_is_on_and_one_that_does_not_exist(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.assertIs(Ending.REFUSED, self.hold(server, "compute1").ending)
        self.assertIs(Ending.REFUSED, self.hold(server, "nowhere").ending)

    def test_a_group_whose_members_keep_apart(self):
        group = self.connection.compute.create_server_group(name="g", policies=["anti-affinity"])
        hints = {"group": group.id}
        flavor = self.flavor("vf-yes:1")
        server = self.boot(flavor, "compute1", hints=hints)
        other = self.boot(flavor, "compute2", name="other", hints=hints)
        self.cloud.forget_moves()
        answer = self.hold(server, "compute2")
        self.assertEqual(
            ["ServerGroupAntiAffinityFilter"],
            [each.name for each in answer.destinations[0].objections],
        )
        # It counts on both hosts until it is confirmed, and for nova-compute only.
        self.resized(other, self.admin.flavor("vf-yes:1", ram=1024))
        self.cloud.sync_scheduler()
        answer = self.hold(server, "compute2")
        self.assertIn("GroupAffinityViolation", answer.destinations[0].objections[0].name)


class Histories(DryRunTestCase):
    """What nova stored is not what the server shows."""

    def test_a_resize_that_was_reverted(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.resized(server, self.admin.flavor("vf-yes:2", vcpus=2))
        self.admin.act(server, {"revertResize": None})
        wait_for("it is back", lambda: self.show(server)["status"] == "ACTIVE")
        stored = self.word(servers=[server]).server(server)
        counts = [
            sum(each.count for each in some)
            for some in (stored.requests, stored.scheduled_requests)
        ]
        self.assertEqual([1, 2], counts)
        self.hold_both(server)

    def test_a_second_move_of_a_server_with_a_numa_topology(self):
        server = self.boot(self.flavor("vf-near:1", **{"hw:numa_nodes": "1"}), "compute1")
        self.assertIs(Ending.ACCEPTED, self.hold(server, "compute2").ending)
        self.cloud.forget_moves()
        answer = self.hold(server, "compute3")
        self.assertIs(Ending.MISMAPPED, answer.ending)
        # What nova has allocated on compute3 is not what the guest has.
        (device,) = self.word(servers=[server]).server(server).devices
        self.assertEqual("compute3", device.host)
        (address,) = hostdev_addresses(self.cloud.guest_xml(server))
        self.assertEqual(0x82, address.bus)

    def test_devices_that_went_out_of_placement(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.cloud.set_pci_in_placement(False)
        self.hold_both(server)

    def test_an_allocation_that_was_left_on_another_host(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        placement = self.connection.placement
        (root,) = placement.resource_providers(name="compute3")
        path = f"/allocations/{server}"
        held = placement.get(path, microversion="1.28").json()
        held["allocations"] = {
            provider: {"resources": each["resources"]}
            for provider, each in held["allocations"].items()
        } | {root.id: {"resources": {"MEMORY_MB": 512}}}
        self.assertTrue(placement.put(path, json=held, microversion="1.28").ok)
        self.hold(server, "compute2")


class OwnFilters(DryRunTestCase):
    """Filters of the operator's own, and nova's with other options than its defaults."""

    nova_options: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "filter_scheduler": {
            "available_filters": [
                "nova.scheduler.filters.all_filters",
                "tests.functional.own_filters.OpenRackFilter",
            ],
            "enabled_filters": "ComputeFilter,OpenRackFilter,AggregateInstanceExtraSpecsFilter,"
            "NUMATopologyFilter,PciPassthroughFilter,NumInstancesFilter",
            "max_instances_per_host": "1",
        },
        "racks": {"closed_hosts": "compute2"},
    }

    def test_they_object_by_name_with_what_they_log(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.boot(self.flavor(None), "compute3")
        self.assertIn("OpenRackFilter", self.word(servers=[server]).filters)
        answer = self.hold(server, "compute2")
        (objection,) = answer.destination("compute2").objections
        self.assertEqual(
            (Decider.FILTER, "OpenRackFilter", "the rack of compute2 is closed"),
            (objection.decider, objection.name, objection.reason),
        )
        answer = self.hold(server)
        self.assertIs(Ending.REFUSED, answer.ending)
        self.assertEqual(
            ["OpenRackFilter", "NumInstancesFilter"],
            [each.objections[0].name for each in answer.destinations],
        )

    def test_an_option_of_the_operator_lets_a_host_pass(self):
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        answer = self.hold(server)
        self.assertEqual(
            [("compute2", False), ("compute3", True)],
            [(each.host, each.may_be_chosen) for each in answer.destinations],
        )
