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

"""What is asked of hypervisor and processor, held against nova's own filters."""

from __future__ import annotations

import dataclasses

import testtools

from tests.unit.nova_scheduling import admits, host_state, request_spec
from tests.unit.preflight.scenario import destination, facts
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight.rules.capabilities import refusal_of_capabilities, refusal_of_image

_HOST = {
    "hypervisor_type": "QEMU",
    "hypervisor_version": 8002002,
    "hypervisor_hostname": "compute2",
    "nodename": "compute2",
    "supported_instances": [["x86_64", "kvm", "hvm"], ["x86_64", "qemu", "hvm"]],
    "cpu_info": {},
}


def _flavor(extra_specs):
    return {"flavor": dataclasses.replace(facts().server.flavor, extra_specs=extra_specs)}


class TestRefusalOfCapabilities(testtools.TestCase):
    def test_what_it_says_for_certain_nova_says(self):
        for key, asked in (
            ("capabilities:hypervisor_type", "QEMU"),
            ("capabilities:hypervisor_type", "s== QEMU"),
            ("capabilities:hypervisor_type", "xen"),
            ("hypervisor_version", ">= 8000000"),
            ("hypervisor_version", ">= 9000000"),
            ("capabilities:hypervisor_hostname", "<in> compute"),
            ("nodename", "compute3"),
            ("billing", "gold"),
            ("acme:billing", "gold"),
            ("hw:watchdog_action", "reset"),
            ("aggregate_instance_extra_specs:ssd", "true"),
        ):
            spec = request_spec({key: asked}, {})
            passes = admits("ComputeCapabilitiesFilter", host_state(**_HOST), spec)
            found = refusal_of_capabilities(facts(server=_flavor({key: asked})), destination())
            self.assertEqual(passes, found is None, key)
            self.assertTrue(found is None or found.is_certain, key)

    def test_what_no_api_shows_is_a_doubt(self):
        for key in ("capabilities:cpu_info:arch", "hw:maxphysaddr_bits", "vcpus_total"):
            found = refusal_of_capabilities(facts(server=_flavor({key: "42"})), destination())
            self.assertFalse(found.is_certain)

    def test_a_host_without_a_hypervisor_is_in_doubt(self):
        known = facts(server=_flavor({"capabilities:hypervisor_type": "QEMU"}))
        self.assertFalse(refusal_of_capabilities(known, destination(node=None)).is_certain)


class TestRefusalOfImage(testtools.TestCase):
    def where(self, *traits):
        known = destination()
        root = known.tree.root.with_traits(known.tree.root.traits | set(traits))
        providers = dict(known.tree.providers) | {root.uuid: root}
        return destination(tree=dataclasses.replace(known.tree, providers=providers))

    def test_what_it_admits_nova_admits(self):
        for properties in (
            {},
            {"hw_architecture": "x86_64"},
            {"architecture": "amd64"},
            {"hw_vm_mode": "hvm"},
            {"hw_architecture": "x86_64", "img_hv_requested_version": ">=8.0"},
            {"img_hv_requested_version": ">=99"},
            {"hw_maxphysaddr_bits": "52"},
            {"os_distro": "debian"},
        ):
            spec = request_spec({}, properties)
            self.assertTrue(admits("ImagePropertiesFilter", host_state(**_HOST), spec), properties)
            known = facts(image_properties=properties)
            self.assertIsNone(
                refusal_of_image(known, self.where("COMPUTE_ARCH_X86_64")), properties
            )

    def test_what_nova_refuses_it_does_not_admit(self):
        for properties in (
            {"hw_architecture": "aarch64"},
            {"img_hv_type": "xen"},
            {"hw_vm_mode": "xen"},
            {"hw_architecture": "x86_64", "img_hv_requested_version": ">=99"},
        ):
            spec = request_spec({}, properties)
            self.assertFalse(admits("ImagePropertiesFilter", host_state(**_HOST), spec), properties)
            known = facts(image_properties=properties)
            self.assertIsNotNone(
                refusal_of_image(known, self.where("COMPUTE_ARCH_X86_64")), properties
            )

    def test_what_no_api_shows_is_a_doubt(self):
        for properties in ({"img_hv_type": "kvm"}, {"hw_architecture": "x86_64"}):
            known = facts(image_properties=properties)
            self.assertFalse(refusal_of_image(known, self.where()).is_certain)

    def test_the_default_architecture_counts(self):
        known = facts(scheduler=SchedulerOptions(default_architecture="x86_64"))
        self.assertIsNotNone(refusal_of_image(known, self.where()))
        self.assertIsNone(refusal_of_image(known, self.where("COMPUTE_ARCH_X86_64")))
