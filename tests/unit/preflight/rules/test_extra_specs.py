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

"""What nova does with extra specs, held against its own scheduler."""

from __future__ import annotations

import testtools
from nova.api.validation.extra_specs import validators

from tests.unit.nova_scheduling import host_state, query, refused_for_capabilities
from vfio_lm.preflight.rules.extra_specs import (
    Effect,
    effect_of_extra_spec,
    effect_of_sound,
    may_be_of_host,
)

#: A value of each extra spec of nova's that is more than a number or a boolean.
_VALUES = {
    "hw:cpu_policy": "dedicated",
    "hw:cpu_thread_policy": "require",
    "hw:emulator_threads_policy": "share",
    "hw:ephemeral_encryption_format": "luks",
    "hw:maxphysaddr_bits": "42",
    "hw:maxphysaddr_mode": "emulate",
    "hw:mem_encryption_model": "amd-sev",
    "hw:mem_page_size": "large",
    "hw:pci_numa_affinity_policy": "socket",
    "hw:sound_model": "virtio",
    "hw:tpm_model": "tpm-tis",
    "hw:tpm_secret_security": "user",
    "hw:tpm_version": "2.0",
    "hw:viommu_model": "auto",
    "os:secure_boot": "required",
}
_FOREIGN = {"acme:billing": "gold", "billing": "gold", "quota2:x": "1", "hwx:cpu_policy": "1"}


def _of_nova():
    """Return an example of each extra spec that nova's own validators know by a fixed name."""
    names = {name for name in validators.VALIDATORS if "{" not in name}
    return {name: _VALUES.get(name, "true") for name in sorted(names)}


class TestEffectOfExtraSpec(testtools.TestCase):
    def test_each_that_nova_knows_is_listed(self):
        left = {k for k, v in _of_nova().items() if effect_of_extra_spec(k, v) is Effect.UNKNOWN}
        self.assertEqual(
            {
                "hw:ephemeral_encryption",
                "hw:ephemeral_encryption_format",
                "hw:pmem",
                "hw:redirected_usb_ports",
                "hw:sound_model",
            },
            left,
        )

    def test_what_has_no_effect_changes_neither_query_nor_filter(self):
        plain = query({}, {})
        for key, value in (_of_nova() | _FOREIGN).items():
            if effect_of_extra_spec(key, value) is Effect.NONE:
                self.assertEqual(plain, query({key: value}, {}), key)
                self.assertFalse(refused_for_capabilities({key: value}), key)

    def test_what_changes_the_query_is_said_to(self):
        plain = query({}, {})
        for key, value in (
            ("resources:CUSTOM_LICENCE", "1"),
            ("trait1:CUSTOM_FAST", "required"),
            *_of_nova().items(),
        ):
            effect = effect_of_extra_spec(key, value)
            if effect is not Effect.REFUSED and query({key: value}, {}) != plain:
                self.assertNotIn(effect, (Effect.NONE, Effect.FILTER), key)

    def test_what_a_filter_reads_is_said_to_be_for_it(self):
        for key in ("capabilities:cpu_info:arch", "hw:maxphysaddr_bits", "vcpus_total", "host_ip"):
            self.assertTrue(refused_for_capabilities({key: "7"}), key)
            self.assertIs(Effect.FILTER, effect_of_extra_spec(key, "7"))
        aggregate = "aggregate_instance_extra_specs:ssd"
        self.assertIs(Effect.FILTER, effect_of_extra_spec(aggregate, "true"))

    def test_scopes_of_others_have_no_effect(self):
        for key, value in _FOREIGN.items():
            self.assertIs(Effect.NONE, effect_of_extra_spec(key, value))

    def test_what_nova_may_read_one_day_is_unknown(self):
        for key in ("hw:teleport", "os:colour", "accel:else", "resources:VGPU"):
            self.assertIs(Effect.UNKNOWN, effect_of_extra_spec(key, "1"))


class TestMayBeOfHost(testtools.TestCase):
    def test_every_attribute_of_a_host_is_found(self):
        for name in dir(host_state()):
            self.assertTrue(may_be_of_host(name), name)

    def test_what_no_host_has_is_not(self):
        self.assertFalse(may_be_of_host("billing"))


class TestEffectOfSound(testtools.TestCase):
    def test_only_virtio_sound_is_special(self):
        self.assertIs(Effect.UNKNOWN, effect_of_sound("virtio"))
        self.assertIs(Effect.NONE, effect_of_sound("ich6"))
