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

"""What the check of features answers, held against nova's own functions."""

from __future__ import annotations

import dataclasses

from nova import objects
from nova.objects import image_meta
from nova.virt import hardware

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    facts,
)
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import features as feature_checks


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
            "hw:watchdog_action": "reset",
            "hw:serial_port_count": "2",
            "acme:billing": "gold",
            "billing": "gold",
        }
        self.assert_answers(Status.PASS, facts(server=self.flavor(**harmless)))

    def test_what_is_not_looked_into_is_unknown(self):
        for key in (
            "resources:VGPU",
            "resources1:CUSTOM_PMEM_NAMESPACE_BIG",
        ):
            known = facts(server=self.flavor(**{key: "1"}))
            self.assert_answers(Status.UNKNOWN, known, saying=key)
        for changes in (
            {"image_properties": {"hw_emulation_architecture": "aarch64"}},
            {"image_properties": None},
        ):
            self.assert_answers(Status.UNKNOWN, facts(**changes))

    def test_what_only_the_hosts_look_at_is_not_asked_of_novas_scheduler(self):
        usb = facts(image_properties={"hw_redirected_usb_ports": "1"})
        self.assertIn("--vfio-preflight warn", self.check.ask(usb).remedy)
        other = facts(image_properties={"hw_emulation_architecture": "aarch64"})
        self.assertIn("vfio-lm-nova", self.check.ask(other).remedy)

    def test_what_other_checks_look_into_passes(self):
        known = facts(
            server=self.flavor(**{"hw:numa_nodes": "1"})
            | {
                "scheduler_hints": {"group": "f6e2", "colour": "blue"},
                "pinned_availability_zone": "az1",
            }
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

    def test_an_emulated_tpm_is_refused_by_release_and_secret_security(self):
        for microversion, security, status in (
            ((2, 100), {}, Status.FAIL),
            ((2, 100), {"hw:tpm_secret_security": "host"}, Status.FAIL),
            ((2, 103), {}, Status.FAIL),
            ((2, 104), {"hw:tpm_secret_security": "deployment"}, Status.FAIL),
            ((2, 104), {"hw:tpm_secret_security": "host"}, Status.UNKNOWN),
        ):
            for known in (
                facts(
                    nova_microversion=microversion,
                    server=self.flavor(**security, **{"hw:tpm_version": "2.0"}),
                ),
                facts(
                    nova_microversion=microversion,
                    server=self.flavor(**security),
                    image_properties={"hw_tpm_version": "2.0"},
                ),
            ):
                self.assert_answers(status, known, saying="TPM")
        self.assert_answers(Status.PASS, facts(server=self.flavor(**{"hw:tpm_model": "tpm-crb"})))

    def test_a_file_share_is_refused_by_novas_api_and_has_to_go(self):
        outcome = self.assert_answers(Status.FAIL, facts(share_ids=("s1", "s2")), saying="s1, s2")
        self.assertIn(f"openstack server remove share {facts().server.id} s2", outcome.remedy)

    def test_a_mediated_device_of_a_class_of_its_own_is_unknown(self):
        known = facts(
            server=self.flavor(**{"resources:CUSTOM_VGPU_A": "1"}),
            source={"nested_classes": frozenset({"CUSTOM_VGPU_A"})},
        )
        self.assert_answers(Status.UNKNOWN, known, saying="CUSTOM_VGPU_A")

    def test_everyday_image_properties_pass(self):
        everyday = {"hw_disk_bus": "virtio", "hw_machine_type": "q35", "os_distro": "debian"}
        everyday |= {"os_secure_boot": "optional", "hw_watchdog_action": "reset"}
        self.assert_answers(Status.PASS, facts(image_properties=everyday))
