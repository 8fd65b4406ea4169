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

"""What nova does with properties of images, held against its own scheduler."""

from __future__ import annotations

import testtools
from nova.objects.image_meta import ImageMetaProps

from tests.unit.nova_scheduling import query
from vfio_lm.preflight.rules.extra_specs import Effect
from vfio_lm.preflight.rules.image_properties import as_nova_names, effect_of_image_property

_VALUES = {
    "hw_cpu_policy": "dedicated",
    "hw_cpu_thread_policy": "require",
    "hw_ephemeral_encryption_format": "luks",
    "hw_maxphysaddr_mode": "passthrough",
    "hw_mem_page_size": "large",
    "hw_pci_numa_affinity_policy": "socket",
    "hw_sound_model": "virtio",
    "hw_tpm_model": "tpm-crb",
    "hw_tpm_version": "2.0",
    "os_secure_boot": "required",
}
# Nova takes these in pieces, or of a form of their own, and reads none in a live migration.
_NOT_TEXT = {"hw_numa_cpus", "hw_numa_mem", "img_block_device_mapping", "img_mappings"}


class TestEffectOfImageProperty(testtools.TestCase):
    def test_each_that_nova_knows_is_listed(self):
        left = {
            key
            for key in ImageMetaProps.fields.keys() - {"traits_required"}
            if effect_of_image_property(key, _VALUES.get(key, "1")) is Effect.UNKNOWN
        }
        self.assertEqual(
            {
                "hw_emulation_architecture",
                "hw_ephemeral_encryption",
                "hw_ephemeral_encryption_format",
                "hw_ephemeral_encryption_secret_uuid",
                "hw_redirected_usb_ports",
                "hw_sound_model",
            },
            left,
        )

    def test_what_has_no_effect_does_not_change_the_query(self):
        plain = query({}, {})
        for key, field in ImageMetaProps.fields.items():
            valid = getattr(field, "valid_values", None) or getattr(field._type, "ALL", None)
            value = _VALUES.get(key, str(valid[0]) if valid else "1")
            if key not in _NOT_TEXT and effect_of_image_property(key, value) is Effect.NONE:
                self.assertEqual(plain, query({}, {key: value}), key)

    def test_what_changes_the_query_is_said_to(self):
        plain = query({}, {})
        known = {**_VALUES, "hw_virtio_packed_ring": "true", "trait:CUSTOM_FAST": "required"}
        for key, value in known.items():
            if query({}, {key: value}) != plain:
                self.assertNotIn(
                    effect_of_image_property(key, value), (Effect.NONE, Effect.FILTER), key
                )

    def test_what_nova_does_not_know_it_skips(self):
        self.assertIs(Effect.NONE, effect_of_image_property("acme_billing", "gold"))
        self.assertIs(Effect.UNKNOWN, effect_of_image_property("hw_teleport", "1"))


class TestAsNovaNames(testtools.TestCase):
    def test_old_names_mean_what_they_mean_to_nova(self):
        for old, new in ImageMetaProps._legacy_property_map.items():
            effects = {
                effect_of_image_property(*as_nova_names({key: "x"}).popitem()) for key in (old, new)
            }
            self.assertEqual(1, len(effects), f"{old}, which is {new}")

    def test_a_name_of_today_wins(self):
        both = {"architecture": "i686", "hw_architecture": "x86_64"}
        self.assertEqual({"hw_architecture": "x86_64"}, as_nova_names(both))
