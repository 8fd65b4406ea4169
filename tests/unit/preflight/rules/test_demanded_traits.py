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

"""Traits that flavor and image demand, held against nova's own query to placement."""

from __future__ import annotations

import testtools

from tests.unit.nova_scheduling import query
from vfio_lm.preflight.rules.demanded_traits import demanded_traits, has_tpm

_CASES = (
    ({}, {}),
    ({"hw:virtio_packed_ring": "true"}, {}),
    ({"hw:virtio_packed_ring": "no"}, {}),
    ({}, {"hw_virtio_packed_ring": "yes"}),
    ({"os:secure_boot": "required"}, {}),
    ({"os:secure_boot": "optional"}, {}),
    ({}, {"os_secure_boot": "required"}),
    ({}, {"os_secure_boot": "optional"}),
    ({}, {"os_secure_boot": "disabled"}),
    ({"hw:maxphysaddr_mode": "emulate", "hw:maxphysaddr_bits": "42"}, {}),
    ({}, {"hw_maxphysaddr_mode": "passthrough"}),
    ({}, {"hw_firmware_stateless": "true", "hw_firmware_type": "uefi"}),
    ({}, {"hw_firmware_stateless": "true", "hw_firmware_type": "bios"}),
    ({}, {"hw_firmware_stateless": "false", "hw_firmware_type": "uefi"}),
    ({"hw:tpm_version": "2.0", "hw:tpm_secret_security": "host"}, {}),
    ({"hw:tpm_secret_security": "host"}, {"hw_tpm_version": "2.0", "hw_tpm_model": "tpm-crb"}),
    ({"hw:tpm_version": "1.2", "hw:tpm_secret_security": "host", "hw:tpm_model": "tpm-tis"}, {}),
    ({"hw:tpm_model": "tpm-crb"}, {}),
    ({"hw:pci_numa_affinity_policy": "socket"}, {}),
    ({}, {"hw_pci_numa_affinity_policy": "socket"}),
    ({"hw:pci_numa_affinity_policy": "preferred"}, {}),
    ({}, {"trait:CUSTOM_FAST": "required", "trait:HW_CPU_X86_VMX": "forbidden"}),
    ({"hw:watchdog_action": "reset"}, {"hw_architecture": "x86_64", "img_hv_type": "kvm"}),
)


class TestDemandedTraits(testtools.TestCase):
    def test_they_are_those_of_novas_query(self):
        for extra_specs, properties in _CASES:
            asked = query(extra_specs, properties)
            demanded = demanded_traits(extra_specs, properties)
            self.assertEqual(
                (asked.get("required", ""), asked.get("root_required", "")),
                ("%2C".join(sorted(demanded.of_host)), "%2C".join(sorted(demanded.of_root))),
                (extra_specs, properties),
            )

    def test_an_image_that_is_not_known_demands_nothing(self):
        self.assertEqual(frozenset(), demanded_traits({}, None).of_host)


class TestHasTpm(testtools.TestCase):
    def test_a_model_alone_is_none(self):
        self.assertFalse(has_tpm({"hw:tpm_model": "tpm-crb"}, {"hw_tpm_model": "tpm-crb"}))
        self.assertTrue(has_tpm({"hw:tpm_version": "2.0"}, {}))
