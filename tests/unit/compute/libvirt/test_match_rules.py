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

"""A device takes the place of another only if nothing speaks against it."""

import testtools

from tests.unit.compute.libvirt.devices import IN_USE, device
from vfio_lm.compute.libvirt.match_rules import refusal
from vfio_lm.pci import DeviceKind
from vfio_lm.pci.migratability import MigrationFlags


class TestRefusal(testtools.TestCase):
    def said(self, source=None, ignores_firmware=False, **values):
        found = refusal(
            device("0000:81:00.1", user=IN_USE, **source or {}),
            device("0000:82:00.1", **values),
            ignores_firmware=ignores_firmware,
        )
        return found and (found.reason, found.is_unknown)

    def test_the_same_kind_and_free_fits_though_the_source_is_in_use(self):
        self.assertIsNone(self.said())

    def test_other_ids(self):
        self.assertEqual(
            ("is 15b3:101c, and the source's is 15b3:101e", False), self.said(product_id="101c")
        )

    def test_another_kind(self):
        self.assertFalse(self.said(kind=DeviceKind.PF)[1])

    def test_another_driver_or_none(self):
        self.assertEqual(
            ("is bound to vfio-pci, and the source's to mlx5_vfio_pci", False),
            self.said(driver="vfio-pci"),
        )
        self.assertIn("bound to no driver", self.said(driver=None)[0])

    def test_an_unknown_driver_is_unknown(self):
        self.assertTrue(self.said(driver=None, unknown={"driver": "no link"})[1])

    def test_another_vgpu_type(self):
        self.assertEqual(
            ("has vGPU type 559, and the source's 558", False),
            self.said({"vgpu_type": "558"}, vgpu_type="559"),
        )

    def test_a_flag_that_the_source_has(self):
        self.assertEqual(
            ("lacks P2P and PRE_COPY, which the source's has", False),
            self.said(migration=MigrationFlags(stop_copy=True)),
        )

    def test_more_flags_than_the_source_has_fit(self):
        self.assertIsNone(self.said({"migration": MigrationFlags(stop_copy=True)}))

    def test_a_device_that_cannot_migrate(self):
        self.assertFalse(self.said(migration=MigrationFlags())[1])

    def test_a_source_that_cannot_migrate(self):
        (said, *_) = self.said({"migration": MigrationFlags()})
        self.assertIn("the source's device has driver", said)

    def test_unknown_flags_of_the_source_are_no_matter_where_the_destination_has_all(self):
        unknown = {"migration": None, "unknown": {"migration": "in use"}}
        self.assertIsNone(self.said(unknown))
        self.assertEqual(
            ("lacks PRE_COPY, which the source's may have: in use", True),
            self.said(unknown, migration=MigrationFlags(True, True)),
        )

    def test_unknown_flags_of_the_destination_are_unknown(self):
        self.assertTrue(self.said(migration=None)[1])

    def test_another_firmware_only_where_it_may_be_ignored(self):
        self.assertIn("--ignore-firmware", self.said(firmware="28.40.1000")[0])
        self.assertIsNone(self.said(firmware="28.40.1000", ignores_firmware=True))
        self.assertIsNone(self.said(firmware=None))

    def test_devlink_says_no(self):
        self.assertIn("devlink", self.said(is_devlink_migratable=False)[0])

    def test_a_device_in_use_and_one_of_which_that_is_unknown(self):
        self.assertEqual(("is in use by instance-00000001", False), self.said(user=IN_USE))
        self.assertTrue(self.said(unknown={"user": "not root"})[1])

    def test_a_certain_reason_is_told_rather_than_an_unknown_one(self):
        self.assertFalse(self.said(migration=None, user=IN_USE)[1])
