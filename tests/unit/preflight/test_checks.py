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

from nova import objects
from nova.objects import image_meta
from nova.virt import hardware

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    MARKED,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    VF,
    alias,
    facts,
    pci_provider,
    service,
)
from vfio_lm.pci import AliasRequest, LiveMigratable
from vfio_lm.preflight import HostKnowledge, Status
from vfio_lm.preflight.checks import alias as alias_checks
from vfio_lm.preflight.checks import cloud as cloud_checks
from vfio_lm.preflight.checks import features as feature_checks
from vfio_lm.preflight.checks import server as server_checks
from vfio_lm.preflight.checks import source as source_checks
from vfio_lm.preflight.facts import Network, SourceDevice
from vfio_lm.preflight.rules.port import Port

NO_DEVICES = {"alias_requests": (), "source": {"devices": ()}}


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

    def test_ports_with_devices_are_counted(self):
        known = facts(network=Network(ports=(Port("p1", "direct"),)))
        self.assert_answers(Status.PASS, known, saying="1 × vf, 1 port(s)")

    def test_a_silent_neutron_is_not_taken_for_no_ports(self):
        self.assert_answers(Status.UNKNOWN, facts(network=Network(ports=None)))


class TestServerFeatures(CheckTestCase):
    check = feature_checks.server_features

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
            {"server": {"scheduler_hints": {"different_host": "f6e2"}}},
            {"network": Network(ports_with_resources=("port1",))},
        ):
            self.assert_answers(Status.UNKNOWN, facts(**changes))

    def test_what_other_checks_look_into_passes(self):
        known = facts(
            server=self.flavor(**{"hw:numa_nodes": "1"})
            | {"scheduler_hints": {"group": "f6e2"}, "pinned_availability_zone": "az1"}
        )
        self.assert_answers(Status.PASS, known)

    def test_what_novas_api_refuses_fails(self):
        for value in ("true", "on", "1", "off", "no", "0", "", "maybe"):
            spec, name = {"hw:mem_encryption": value}, {"hw_mem_encryption": value}
            image = {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}
            told = image_meta.ImageMeta.from_dict({"properties": image})
            flavor = objects.Flavor(name="f", extra_specs=spec)
            refuses = hardware.get_mem_encryption_constraint(flavor, told) is not None
            status = Status.FAIL if refuses else Status.PASS
            self.assert_answers(status, facts(server=self.flavor(**spec)))
            outcome = self.assert_answers(status, facts(image_properties=image | name))
            self.assertEqual(refuses, "--image IMAGE" in outcome.remedy)
        profile = {"accel:device_profile": "fpga"}
        self.assert_answers(Status.FAIL, facts(server=self.flavor(**profile)))

    def test_a_file_share_is_refused_by_novas_api_and_has_to_go(self):
        outcome = self.assert_answers(Status.FAIL, facts(share_ids=("s1", "s2")), saying="s1, s2")
        self.assertIn(f"openstack server remove share {facts().server.id} s2", outcome.remedy)

    def test_a_mediated_device_of_a_class_of_its_own_is_unknown(self):
        known = facts(
            server=self.flavor(**{"resources:CUSTOM_VGPU_A": "1"}),
            source={"nested_classes": frozenset({"CUSTOM_VGPU_A"})},
        )
        self.assert_answers(Status.UNKNOWN, known, saying="CUSTOM_VGPU_A")

    def test_old_names_of_image_properties_mean_what_they_mean_to_nova(self):
        for old, new in image_meta.ImageMetaProps._legacy_property_map.items():
            answers = {self.answer(facts(image_properties={key: "x"})).status for key in (old, new)}
            self.assertEqual(1, len(answers), f"{old}, which is {new}")

    def test_everyday_image_properties_pass(self):
        everyday = {"hw_disk_bus": "virtio", "hw_machine_type": "q35", "os_distro": "debian"}
        self.assert_answers(Status.PASS, facts(image_properties=everyday))


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

    def test_devices_of_another_alias_prove_neither_yes_nor_no(self):
        other = {"devices": (SourceDevice(pci_provider("compute1", 0), {"CUSTOM_OTHER": 1}),)}
        for value in LiveMigratable:
            known = facts(aliases={"vf": alias(value)}, source=other)
            self.assert_answers(Status.UNKNOWN, known, saying="CUSTOM_OTHER")

    def test_which_traits_the_source_has_says_nothing(self):
        """Of a host that is full, placement is not asked for all of them."""
        today = alias(LiveMigratable.YES)
        spec = dataclasses.replace(today.specs[0], requested_traits="CUSTOM_FAST")
        self.assert_answers(
            Status.PASS, facts(aliases={"vf": dataclasses.replace(today, specs=(spec,))})
        )

    def on_the_host(self, spec, **device):
        server = facts().server.id
        told = scenario.knowledge("compute1", scenario.vf(user=server, **device), specs=[spec])
        source = {"devices": (), "knowledge": told}
        return facts(source=source, hosts={"compute1": told}, pci_in_placement=False)

    def test_a_device_that_the_alias_would_not_get_is_of_another_alias(self):
        self.assert_answers(Status.PASS, self.on_the_host(scenario.SPEC_YES))
        untagged = self.on_the_host(scenario.SPEC_UNTAGGED)
        self.assert_answers(Status.UNKNOWN, untagged, saying="0000:81:00.1 on compute1")
        another = scenario.SPEC_YES | {"product_id": "1520"}
        known = self.on_the_host(another, product_id="1520")
        self.assert_answers(Status.UNKNOWN, known, saying="0000:81:00.1 on compute1")

    def test_the_device_of_a_port_says_nothing_of_an_alias(self):
        of_port = scenario.SPEC_UNTAGGED | {"physical_network": "physnet1"}
        self.assert_answers(Status.PASS, self.on_the_host(of_port))

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

    def holding(self, traits, knowledge=None):
        held = SourceDevice(pci_provider("compute1", 0, traits), {VF: 1})
        return facts(source={"devices": (held,), "knowledge": knowledge or HostKnowledge()})

    def test_a_marked_device_passes(self):
        self.assert_answers(Status.PASS, self.holding(MARKED))

    def test_a_missing_trait_counts_from_nova_34_on(self):
        self.assert_answers(Status.FAIL, self.holding(UNMARKED), saying="0000:81:00.0")

    def test_before_nova_34_a_missing_trait_proves_nothing(self):
        self.assert_answers(Status.UNKNOWN, self.holding(SILENT))

    def test_before_nova_34_the_hosts_nova_conf_can_tell(self):
        def told(*specs):
            return scenario.knowledge("compute1", scenario.vf(), specs=specs)

        self.assert_answers(Status.PASS, self.holding(SILENT, told(SPEC_YES)))
        self.assert_answers(Status.FAIL, self.holding(SILENT, told(SPEC_UNTAGGED)))

    def test_nova_conf_alone_tells_where_all_specifications_agree(self):
        def told(*specs):
            return HostKnowledge(conf=scenario.conf(*specs))

        self.assert_answers(Status.PASS, self.holding(SILENT, told(SPEC_YES, SPEC_YES)))
        self.assert_answers(Status.UNKNOWN, self.holding(SILENT, told(SPEC_YES, SPEC_UNTAGGED)))
        self.assert_answers(Status.FAIL, self.holding(SILENT, told(SPEC_UNTAGGED)))

    def test_nova_conf_knows_better_than_the_trait_that_there_is_no_tag(self):
        told = scenario.knowledge("compute1", scenario.vf(), specs=[SPEC_UNTAGGED])
        self.assert_answers(Status.FAIL, self.holding(MARKED, told))

    def test_a_nova_compute_that_has_not_read_its_nova_conf_is_unknown(self):
        told = scenario.knowledge("compute1", scenario.vf())
        self.assert_answers(Status.UNKNOWN, self.holding(UNMARKED, told))

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

    def left_behind(self, **server):
        devices = [SourceDevice(pci_provider(host, 0), {VF: 1}) for host in ("compute1", "other")]
        known = facts(source={"devices": tuple(devices)}, server=server)
        return self.assert_answers(Status.UNKNOWN, known, saying="holds 2 device(s)").remedy

    def test_what_is_left_on_another_host_is_given_back_there_only(self):
        remedy = self.left_behind()
        self.assertIn("unset --provider other --provider other_0000:81:00.0 92d0d15e", remedy)
        self.assertNotIn("compute1_", remedy)

    def test_nothing_is_taken_from_a_server_on_its_way(self):
        self.assertNotIn("unset", self.left_behind(task_state="migrating"))
        self.assertNotIn("unset", self.left_behind(vm_state="resized"))

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
