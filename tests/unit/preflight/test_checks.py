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

"""Each check alone: what it answers, and that it does not guess."""

from __future__ import annotations

import dataclasses

import os_traits
import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import (
    MARKED,
    SILENT,
    UNMARKED,
    VF,
    alias,
    candidate,
    destination,
    facts,
    node,
    pci_provider,
    service,
    tree,
)
from vfio_lm.pci import AliasRequest, LiveMigratable
from vfio_lm.placement import Candidates
from vfio_lm.placement.candidate_query import nova_query, pci_group
from vfio_lm.preflight import DeviceFact, HostFacts, Status
from vfio_lm.preflight.checks import alias as alias_checks
from vfio_lm.preflight.checks import cloud as cloud_checks
from vfio_lm.preflight.checks import destination as destination_checks
from vfio_lm.preflight.checks import server as server_checks
from vfio_lm.preflight.checks import source as source_checks
from vfio_lm.preflight.facts import SourceDevice

NO_DEVICES = {"alias_requests": (), "source": {"devices": ()}}


class CheckTestCase(testtools.TestCase):
    check = None

    def answer(self, known=None, where=None):
        known = known or facts()
        if self.check in (
            destination_checks.destination_service,
            destination_checks.destination_hypervisor,
            destination_checks.destination_capacity,
            destination_checks.destination_devices,
        ):
            return self.check.ask(known, where or known.destinations[0])
        return self.check.ask(known)

    def assert_answers(self, status, known=None, where=None, saying=""):
        outcome = self.answer(known, where)
        self.assertEqual((status, True), (outcome.status, saying in outcome.message), outcome)
        if status in (Status.FAIL, Status.WARN, Status.UNKNOWN):
            self.assertNotEqual("", outcome.remedy)
        return outcome


class TestServerState(CheckTestCase):
    check = server_checks.server_state

    def test_active_and_paused_servers_pass(self):
        self.assert_answers(Status.PASS)
        paused = {"status": "PAUSED", "vm_state": "paused", "power_state": 3}
        self.assert_answers(Status.PASS, facts(server=paused))

    def test_a_stopped_server_has_to_be_started(self):
        outcome = self.assert_answers(
            Status.FAIL,
            facts(server={"status": "SHUTOFF", "vm_state": "stopped"}),
            saying="SHUTOFF",
        )
        self.assertIn("openstack server start", outcome.remedy)

    def test_a_server_in_a_task_fails(self):
        self.assert_answers(
            Status.FAIL, facts(server={"task_state": "migrating"}), saying="migrating"
        )

    def test_a_crashed_guest_fails(self):
        self.assert_answers(Status.FAIL, facts(server={"power_state": 4}), saying="power state")

    def test_a_lock_stops_everybody_but_an_admin(self):
        self.assert_answers(Status.WARN, facts(server={"is_locked": True}))
        self.assert_answers(Status.FAIL, facts(server={"is_locked": True}, user_is_admin=False))


class TestServerDevices(CheckTestCase):
    check = server_checks.server_devices

    def test_alias_devices_are_counted(self):
        self.assert_answers(Status.PASS, facts(devices=2), saying="2 × vf")

    def test_one_alias_named_twice_counts_twice(self):
        requests = (AliasRequest("vf", 1), AliasRequest("vf", 2))
        self.assert_answers(Status.PASS, facts(alias_requests=requests), saying="3 × vf")

    def test_a_server_without_devices_passes(self):
        self.assert_answers(Status.PASS, facts(**NO_DEVICES), saying="no PCI device")

    def test_ports_with_devices_are_not_judged(self):
        self.assert_answers(Status.UNKNOWN, facts(sriov_port_ids=("port",)), saying="1 port")

    def test_a_silent_neutron_is_not_taken_for_no_ports(self):
        self.assert_answers(Status.UNKNOWN, facts(sriov_port_ids=None))


class TestServerFeatures(CheckTestCase):
    check = server_checks.server_features

    def flavor(self, **extra_specs):
        return {"flavor": dataclasses.replace(facts().server.flavor, extra_specs=extra_specs)}

    def test_a_plain_server_passes(self):
        self.assert_answers(Status.PASS)

    def test_extra_specs_without_further_conditions_pass(self):
        harmless = {
            "pci_passthrough:alias": "vf:1",
            "trait:CUSTOM_FAST": "required",
            "resources:CUSTOM_LICENCE": "1",
            "quota:vif_inbound_average": "1000",
        }
        self.assert_answers(Status.PASS, facts(server=self.flavor(**harmless)))

    def test_what_is_not_looked_into_is_unknown(self):
        for key in (
            "hw:numa_nodes",
            "hw:virtio_packed_ring",
            "capabilities:cpu_info:arch",
            "num_instances",
            "resources:VGPU",
            "resources1:CUSTOM_PMEM_NAMESPACE_BIG",
        ):
            known = facts(server=self.flavor(**{key: "1"}))
            self.assert_answers(Status.UNKNOWN, known, saying=key)
        for changes in (
            {"image_properties": {"hw_tpm_version": "2.0"}},
            {"image_properties": None},
            {"scheduler_hints": {"group": "f6e2"}},
            {"pinned_availability_zone": "az1"},
        ):
            self.assert_answers(Status.UNKNOWN, facts(server=changes))

    def test_everyday_image_properties_pass(self):
        everyday = {"hw_disk_bus": "virtio", "hw_machine_type": "q35", "os_distro": "debian"}
        self.assert_answers(Status.PASS, facts(server={"image_properties": everyday}))


class TestAliasDefined(CheckTestCase):
    check = alias_checks.alias_defined

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.UNKNOWN, facts(aliases=None))
        self.assert_answers(Status.WARN, facts(aliases={}), saying="alias vf is not in")
        self.assert_answers(Status.NOT_APPLICABLE, facts(**NO_DEVICES))


class TestAliasLiveMigratable(CheckTestCase):
    check = alias_checks.alias_live_migratable

    def test_only_an_explicit_yes_passes(self):
        self.assert_answers(Status.PASS)
        for value in (LiveMigratable.NO, LiveMigratable.UNSPECIFIED):
            self.assert_answers(
                Status.FAIL, facts(aliases={"vf": alias(value)}), saying=f"vf ({value.value})"
            )

    def test_an_unknown_alias_is_never_guessed(self):
        self.assert_answers(Status.UNKNOWN, facts(aliases=None))
        self.assert_answers(Status.UNKNOWN, facts(aliases={}), saying="alias vf")

    def test_one_alias_of_several_is_enough_to_fail(self):
        requests = (AliasRequest("vf", 1), AliasRequest("nic", 1), AliasRequest("lost", 1))
        aliases = {
            "vf": alias(LiveMigratable.YES),
            "nic": alias(LiveMigratable.UNSPECIFIED, name="nic"),
        }
        outcome = self.assert_answers(
            Status.FAIL, facts(alias_requests=requests, aliases=aliases), saying="nic"
        )
        self.assertNotIn("vf", outcome.message)


class TestSourceUp(CheckTestCase):
    check = source_checks.source_up

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for wrong in (
            {"service": service("compute1", is_up=False)},
            {"service": service("compute1", is_up=False, is_forced_down=True)},
            {"service": None},
        ):
            self.assert_answers(Status.FAIL, facts(source=wrong))

    def test_a_disabled_source_may_be_left(self):
        self.assert_answers(
            Status.PASS, facts(source={"service": service("compute1", is_enabled=False)})
        )


class TestDeviceTrait(CheckTestCase):
    check = source_checks.device_trait

    def holding(self, traits, host_facts=None):
        held = SourceDevice(pci_provider("compute1", 0, traits), {VF: 1})
        return facts(source={"devices": (held,), "host_facts": host_facts})

    def test_a_marked_device_passes(self):
        self.assert_answers(Status.PASS, self.holding(MARKED))

    def test_a_missing_trait_counts_from_nova_34_on(self):
        self.assert_answers(Status.FAIL, self.holding(UNMARKED), saying="0000:81:00.0")

    def test_before_nova_34_a_missing_trait_proves_nothing(self):
        self.assert_answers(Status.UNKNOWN, self.holding(SILENT))

    def test_before_nova_34_the_host_can_tell(self):
        def host(tag):
            return HostFacts("compute1", (DeviceFact("0000:81:00.1", tag, "0000:81:00.0"),))

        self.assert_answers(Status.PASS, self.holding(SILENT, host(LiveMigratable.YES)))
        self.assert_answers(Status.FAIL, self.holding(SILENT, host(LiveMigratable.UNSPECIFIED)))

    def test_the_host_knows_better_than_the_trait(self):
        untagged = DeviceFact("0000:81:00.1", LiveMigratable.UNSPECIFIED, "0000:81:00.0")
        self.assert_answers(Status.FAIL, self.holding(MARKED, HostFacts("compute1", (untagged,))))

    def test_without_placement_there_is_nothing_to_see(self):
        self.assert_answers(Status.NOT_APPLICABLE, facts(source={"devices": ()}))


class TestAllocationConsistent(CheckTestCase):
    check = source_checks.allocation_consistent

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.PASS, facts(source={"devices": ()}))

    def test_nova_goes_on_without_an_allocation(self):
        self.assert_answers(Status.WARN, facts(source={"resources": {}, "devices": ()}))

    def test_a_wrong_number_of_devices_is_not_explained_away(self):
        self.assert_answers(
            Status.UNKNOWN, facts(alias_requests=(AliasRequest("vf", 2),)), saying="1 device(s)"
        )

    def test_another_class_shows_that_the_alias_has_changed(self):
        held = SourceDevice(pci_provider("compute1", 0), {"CUSTOM_OTHER": 1})
        self.assert_answers(Status.UNKNOWN, facts(source={"devices": (held,)}))


class TestPciInPlacement(CheckTestCase):
    check = cloud_checks.pci_in_placement

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.UNKNOWN, facts(source={"devices": ()}))
        self.assert_answers(Status.UNKNOWN, facts(pci_in_placement=False))
        self.assert_answers(Status.NOT_APPLICABLE, facts(**NO_DEVICES))


class TestDestinationService(CheckTestCase):
    check = destination_checks.destination_service

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for wrong, said in (
            (service("compute2", is_enabled=False, disabled_reason="disk"), "disabled (disk)"),
            (service("compute2", is_up=False), "is down"),
            (service("compute2", is_up=False, is_forced_down=True), "forced down"),
        ):
            known = facts(destinations=(destination(service=wrong),))
            self.assert_answers(Status.FAIL, known, saying=said)

    def test_the_source_is_no_destination(self):
        known = facts(destinations=(destination("compute1"),), requested_host="compute1")
        self.assert_answers(Status.FAIL, known, saying="already on this host")


class TestDestinationHypervisor(CheckTestCase):
    check = destination_checks.destination_hypervisor

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for changes, said in (
            ({"hypervisor_type": "VMware"}, "VMware"),
            ({"hypervisor_version": 8001000}, "older"),
        ):
            known = facts(destinations=(destination(node=node("compute2", **changes)),))
            self.assert_answers(Status.FAIL, known, saying=said)
        self.assert_answers(Status.UNKNOWN, facts(destinations=(destination(node=None),)))


class TestDestinationCapacity(CheckTestCase):
    check = destination_checks.destination_capacity

    def without_candidates(self, *providers, **changes):
        known = facts(destinations=(destination(providers=providers, candidates=()),))
        return dataclasses.replace(known, **changes)

    def test_a_candidate_is_what_counts(self):
        self.assert_answers(Status.PASS)

    def test_the_reason_is_explained(self):
        known = self.without_candidates(pci_provider("compute2", 0, free=0))
        self.assert_answers(Status.FAIL, known, saying=f"{VF}: 1 needed, 0 free")

    def test_a_full_host_has_no_tree(self):
        known = facts(destinations=(destination(tree=None, candidates=()),))
        self.assert_answers(Status.FAIL, known, saying="no memory is free")

    def test_missing_traits_and_disabled_hosts_are_named(self):
        full = tree("compute2", pci_provider("compute2", 0), free_vcpus=0)
        root = dataclasses.replace(full.root, traits=frozenset({os_traits.COMPUTE_STATUS_DISABLED}))
        full = dataclasses.replace(full, providers=full.providers | {root.uuid: root})
        known = facts(destinations=(destination(tree=full, candidates=()),))
        groups = [pci_group(0, VF, frozenset())]
        wanted = {"trait:CUSTOM_FAST": "required"}
        known = dataclasses.replace(
            known, query=nova_query(wanted, scenario.PLAIN, groups, requires_owner=True)
        )
        outcome = self.assert_answers(Status.FAIL, known, saying="VCPU: 1 needed, 0 free")
        for trait in ("OWNER_NOVA", "COMPUTE_STATUS_DISABLED", "CUSTOM_FAST"):
            self.assertIn(trait, outcome.message)

    def test_an_answer_that_was_cut_off_proves_nothing(self):
        others = tuple(candidate("compute3") for _ in range(2))
        known = self.without_candidates(candidates=Candidates(others, limit=2))
        self.assert_answers(Status.UNKNOWN, known, saying="without this host")

    def test_a_host_that_reports_no_devices_may_still_have_some(self):
        self.assert_answers(Status.UNKNOWN, self.without_candidates(pci_in_placement=None))
        self.assert_answers(Status.FAIL, self.without_candidates(pci_in_placement=True))

    def test_the_scheduler_may_ignore_the_traits_of_an_alias(self):
        query = nova_query(
            {}, scenario.PLAIN, [pci_group(0, VF, frozenset({"CUSTOM_X"}))], requires_owner=True
        )
        free = pci_provider("compute2", 0)
        known = self.without_candidates(free, query=query, pci_in_placement=None)
        self.assert_answers(Status.UNKNOWN, known)
        known = self.without_candidates(free, query=query, pci_in_placement=True)
        self.assert_answers(Status.FAIL, known, saying="1 needed, 0 free")


class TestDestinationDevices(CheckTestCase):
    check = destination_checks.destination_devices

    def offering(self, *providers, devices=1, requires_owner=True, **changes):
        return facts(
            devices=devices,
            requires_owner=requires_owner,
            destinations=(destination(providers=providers, **changes),),
        )

    def test_marked_devices_pass(self):
        self.assert_answers(Status.PASS)

    def test_unmarked_devices_fail_from_nova_34_on(self):
        known = self.offering(pci_provider("compute2", 0, UNMARKED))
        self.assert_answers(
            Status.FAIL, known, saying="0 free (2 more free, but not declared live migratable)"
        )

    def test_before_nova_34_unmarked_devices_are_unknown(self):
        known = self.offering(pci_provider("compute2", 0, SILENT), requires_owner=False)
        self.assert_answers(Status.UNKNOWN, known)

    def test_before_nova_34_the_host_can_tell(self):
        host = HostFacts("compute2", (DeviceFact("0000:81:00.0", LiveMigratable.YES),))
        known = self.offering(pci_provider("compute2", 0, SILENT), host_facts=host)
        self.assert_answers(Status.PASS, known)

    def test_a_marked_device_among_unmarked_ones_passes(self):
        providers = (pci_provider("compute2", 0, UNMARKED), pci_provider("compute2", 1))
        self.assert_answers(Status.PASS, self.offering(*providers))

    def test_free_devices_of_two_pfs_add_up(self):
        one, two = pci_provider("compute2", 0, free=1), pci_provider("compute2", 1, free=2)
        spread = candidate("compute2", one, two, two)
        known = self.offering(one, two, devices=3, candidates=(spread,))
        self.assert_answers(Status.PASS, known)

    def test_a_candidate_is_as_good_as_its_worst_device(self):
        one, two = pci_provider("compute2", 0, free=1), pci_provider("compute2", 1, UNMARKED)
        known = self.offering(one, two, devices=2, candidates=(candidate("compute2", one, two),))
        self.assert_answers(Status.FAIL, known, saying="2 needed, 1 free")

    def test_a_full_host_was_not_looked_at(self):
        self.assert_answers(Status.UNKNOWN, self.offering(tree=None, candidates=()))

    def test_without_placement_nothing_is_known(self):
        self.assert_answers(Status.UNKNOWN, facts(source={"devices": ()}))
        self.assert_answers(Status.UNKNOWN, facts(pci_in_placement=False))

    def test_an_answer_cut_off_before_the_good_devices_is_unknown(self):
        one, two = pci_provider("compute2", 0, UNMARKED), pci_provider("compute2", 1)
        offered = (candidate("compute2", one),)
        known = self.offering(one, two, candidates=offered)
        known = dataclasses.replace(known, candidates=Candidates(offered, limit=1))
        self.assert_answers(Status.UNKNOWN, known, saying="cut off")
