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

"""What keeps a device from being live migrated, rule by rule."""

from __future__ import annotations

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.pci import DeviceKind, PciAddress, parse_device_specs
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.migratability import MigrationFlags, ObstacleKind, is_managed, obstacles

ABLE = MigrationFlags(stop_copy=True, p2p=True, pre_copy=True)
ALONE = MigrationFlags(stop_copy=True)


def device(**changes):
    """Return a VF that can be live migrated, but for what a test changes."""
    known = {
        "driver": "mlx5_vfio_pci",
        "has_variant_driver": True,
        "migration": ABLE,
        "logs_dma": True,
        "is_devlink_migratable": True,
    }
    address = PciAddress(0, 0x81, 0, 1)
    return DeviceFacts(address, "15b3", "101e", DeviceKind.VF, **(known | changes))


def unbound(driver, **changes):
    """Return a VF on a driver that is no VFIO variant driver."""
    known = {"driver": driver, "has_variant_driver": False, "migration": None}
    return device(**(known | changes))


class TestObstacles(testtools.TestCase):
    def assert_kinds(self, expected, tested, *, managed=True, **more):
        found = [each.kind.value for each in obstacles(tested, is_managed=managed, **more)]
        self.assertEqual(expected, found)

    def test_a_device_without_one(self):
        self.assert_kinds([], device(), is_source=True, count=2)

    def test_nothing_known_is_no_obstacle(self):
        self.assert_kinds(
            [],
            device(
                driver=None,
                has_variant_driver=None,
                migration=None,
                logs_dma=None,
                is_devlink_migratable=None,
            ),
            managed=False,
            is_source=True,
            count=2,
        )

    def test_the_plain_driver_is_one_whoever_manages_the_device(self):
        for managed in (True, False):
            self.assert_kinds(["plain-driver"], unbound("vfio-pci"), managed=managed)

    def test_a_driver_of_the_host_is_one_only_where_libvirt_leaves_the_device_alone(self):
        self.assert_kinds([], unbound("mlx5_core"))
        self.assert_kinds([], unbound(None))
        self.assert_kinds(["host-driver"], unbound("mlx5_core"), managed=False)
        self.assert_kinds(["no-driver"], unbound(None), managed=False)

    def test_a_kernel_without_a_variant_driver(self):
        for driver in ("vfio-pci", "mlx5_core", None):
            for managed in (True, False):
                tested = unbound(driver, is_variant_driver_available=False)
                self.assert_kinds(["no-variant-driver"], tested, managed=managed)
        self.assert_kinds([], unbound(None, is_variant_driver_available=True))

    def test_what_the_driver_can_do_counts_more_than_its_name(self):
        self.assert_kinds([], unbound("nvidia", migration=ABLE), managed=False)
        self.assert_kinds(["plain-driver"], unbound("vfio-pci", migration=MigrationFlags()))

    def test_flags(self):
        self.assert_kinds(["no-stop-copy"], device(migration=MigrationFlags()))
        self.assert_kinds([], device(migration=ALONE))
        self.assert_kinds([], device(migration=ALONE), count=1)
        self.assert_kinds(["no-p2p"], device(migration=ALONE), count=2)

    def test_only_the_source_needs_its_writes_tracked(self):
        self.assert_kinds([], device(logs_dma=False))
        self.assert_kinds(["no-dma-tracking"], device(logs_dma=False), is_source=True)

    def test_settings(self):
        self.assert_kinds(["devlink"], device(is_devlink_migratable=False))
        self.assert_kinds(["no-vgpu"], device(vgpu_type="0"))
        self.assert_kinds([], device(vgpu_type="558"))

    @given(st.builds(device, vgpu_type=st.sampled_from(["0", None]), logs_dma=st.booleans()))
    def test_every_obstacle_ends_a_sentence(self, tested):
        for each in obstacles(tested, is_managed=True, is_source=True):
            self.assertNotIn("{", str(each))

    def test_texts_name_the_driver(self):
        (found,) = obstacles(unbound("mlx5_core"), is_managed=False)
        self.assertIs(ObstacleKind.HOST_DRIVER, found.kind)
        self.assertIn("is bound to mlx5_core", str(found))
        (found,) = obstacles(unbound(None), is_managed=False)
        self.assertIn("is bound to no driver", str(found))


class TestManaged(testtools.TestCase):
    def test_libvirt_manages_a_device_unless_its_specification_says_no(self):
        for text, expected in (
            ("{}", True),
            ('{"managed": "yes"}', True),
            ('{"managed": "no"}', False),
            ('{"managed": "0"}', False),
        ):
            (spec,) = parse_device_specs([text])
            self.assertIs(expected, is_managed(spec), text)
        self.assertTrue(is_managed(None))
