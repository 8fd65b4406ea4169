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

"""Flags that follow from driver and kernel, and those that do not."""

import testtools

from tests.unit.compute.libvirt.devices import ALL_FLAGS, device
from tests.unit.pci.test_host_facts import NOW
from vfio_lm.pci.driver_flags import with_constant_flags, with_flags_of_alike
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.migratability import MigrationFlags

_P2P = MigrationFlags(stop_copy=True, p2p=True)


def in_use(driver, **values):
    """A device in use, of whose flags the kernel shows nothing."""
    known = {"migration": None, "has_variant_driver": True, "migration_state": "RUNNING"}
    unknown = {"migration": "in use", "logs_dma": "in use"}
    return device("0000:60:00.1", driver=driver, unknown=unknown, **known | values)


class TestConstantFlags(testtools.TestCase):
    def test_each_driver_in_the_kernels_that_were_looked_at(self):
        for driver, kernel, flags in (
            ("pds_vfio_pci", "6.8.0-88-generic", _P2P),
            ("pds_vfio_pci", "6.5.0", None),
            ("pds_vfio_pci", "6.99.0", None),
            ("pds_vfio_pci", None, None),
            ("pds_vfio_pci", "talos", None),
            ("qat_vfio_pci", "6.12.107-amd64", ALL_FLAGS),
            ("xe-vfio-pci", "6.19.2", _P2P),
            ("mlx5_vfio_pci", "6.12.0", None),
            (None, "6.12.0", None),
        ):
            found = with_constant_flags(in_use(driver), kernel)
            self.assertEqual(flags, found.migration, (driver, kernel))
            self.assertIs(flags is None, "migration" in found.unknown)
            self.assertIn("logs_dma", found.unknown)

    def test_a_driver_that_may_have_none_needs_a_state(self):
        silent = in_use("xe-vfio-pci", migration_state=None)
        self.assertIsNone(with_constant_flags(silent, "6.19.0").migration)
        silent = in_use("pds_vfio_pci", migration_state=None)
        self.assertEqual(_P2P, with_constant_flags(silent, "6.8.0").migration)

    def test_what_is_known_stays(self):
        for known in (MigrationFlags(), ALL_FLAGS):
            found = with_constant_flags(in_use("pds_vfio_pci", migration=known), "6.8.0")
            self.assertEqual(known, found.migration)


class TestFlagsOfAlike(testtools.TestCase):
    def flags(self, *others, kernel="6.12.0", other_kernel="6.12.0", **values):
        there = HostFacts("host2", NOW, others, kernel=other_kernel)
        return with_flags_of_alike(in_use("mlx5_vfio_pci", **values), kernel, there).migration

    def test_one_firmware_has_the_same_flags_everywhere(self):
        there = device("0000:82:00.1", migration=_P2P)
        self.assertEqual(_P2P, self.flags(there))
        self.assertIsNone(self.flags(there, firmware=None))
        self.assertIsNone(self.flags(there, firmware="28.40.1000"))
        self.assertIsNone(self.flags(there, product_id="101c"))
        self.assertIsNone(self.flags(there, other_kernel="6.18.0"))
        self.assertIsNone(self.flags(there, kernel=None, other_kernel=None))
        self.assertIsNone(self.flags(there, migration_state=None))
        self.assertIsNone(self.flags(there, device("0000:82:00.2", migration=ALL_FLAGS)))
        self.assertIsNone(self.flags())
