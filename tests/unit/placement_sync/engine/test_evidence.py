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

"""What facts, placement or the configuration alone tell of a device."""

import testtools

from placement_sync.engine import evidence
from tests.unit.placement_sync.cases import DesiredTestCase
from tests.unit.placement_sync.fleet import (
    LIVE,
    MANAGED,
    MLX5,
    NO,
    NOT_LIVE,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    vf,
)
from vfio_lm.pci import DeviceKind, NovaRelease, PciAddress
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.migratability import MigrationFlags

PF = DeviceFacts(
    address=PciAddress(0, 0x81, 0, 0),
    vendor_id="15b3",
    product_id="1019",
    kind=DeviceKind.PF,
    driver="mlx5_core",
    has_variant_driver=False,
)
WHOLE = {"address": "0000:81:00.*", "live_migratable": "yes"}


class TestFromFacts(DesiredTestCase):
    def test_each_obstacle(self):
        for changes in (
            {"migration": MigrationFlags()},
            {"is_devlink_migratable": False},
            {"driver": "vfio-pci", "migration": None, "has_variant_driver": False},
        ):
            self.assert_root(self.from_facts(vf(**changes)))

    def test_what_is_not_known_leaves_the_word_of_the_operator(self):
        busy = vf(migration=None, unknown={"migration": "in use"})
        self.assert_root(self.from_facts(busy), {LIVE, MLX5})
        by_libvirt = vf(driver="mlx5_core")
        self.assert_root(self.from_facts(by_libvirt), {LIVE})
        by_nobody = self.from_facts(by_libvirt, specs=(YES | {"managed": "no"},))
        self.assert_root(by_nobody)

    def test_a_pf_with_vfs_is_not_what_live_migrates(self):
        self.assert_root(self.from_facts(PF, vf(driver="vfio-pci"), specs=(WHOLE,)))

    def test_a_pf_with_vfs_has_no_obstacle_either(self):
        config = host("compute1", WHOLE | {"managed": "no"}, facts=facts(PF, vf(driver="vfio-pci")))
        carrier, behind = evidence.from_facts(config, config.facts)
        self.assertIsNone(carrier.obstacle)
        self.assertIsNotNone(behind.obstacle)


class TestFromProvider(DesiredTestCase):
    def test_the_first_specification_at_the_address_decides(self):
        here, there = ({"address": f"0000:{bus}:00.*"} for bus in ("81", "82"))
        specs = (there | {"live_migratable": "yes"}, here | {"live_migratable": "no"}, YES)
        wanted = self.desired(host("compute1", *specs), of_nova())
        self.assert_root(wanted, {NOT_LIVE})

    def test_the_traits_of_nova_34_tell_which_specification_decides(self):
        specs = (YES, UNTAGGED | {"product_id": "1019"})
        self.assert_root(self.desired(host("compute1", *specs), of_nova(LIVE)), {LIVE})
        self.assert_root(self.desired(host("compute1", *specs), of_nova()))

    def test_the_resource_class_tells_which_specification_decides(self):
        config = host("compute1", YES, NO)
        for resource_class, present in (
            ("CUSTOM_PCI_15B3_101E", {LIVE}),
            ("CUSTOM_PCI_10DE_2331", {NOT_LIVE}),
        ):
            child = provider("compute1_0000:81:00.0", "compute1", MANAGED, classes=[resource_class])
            self.assert_root(self.desired(config, child), present)

    def test_a_requested_resource_class_tells_as_well(self):
        specs = (YES | {"resource_class": "gpu"}, NO)
        child = provider("compute1_0000:81:00.0", "compute1", MANAGED, classes=["CUSTOM_GPU"])
        self.assert_root(self.desired(host("compute1", *specs), child), {LIVE})

    def test_patterns_of_vfs_elsewhere_on_the_bus(self):
        spec = {"address": "0000:81:10.*", "live_migratable": "yes"}
        self.assert_root(self.desired(host("compute1", spec), of_nova(LIVE)), {LIVE})
        other_bus = {"address": "0000:90:10.*", "live_migratable": "yes"}
        self.assert_root(self.desired(host("compute1", other_bus), of_nova(LIVE)))

    def test_specifications_that_disagree_say_nothing(self):
        before_34 = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        found = evidence.from_provider(
            host("compute1", YES, NO), before_34, PciAddress(0, 0x81, 0, 0), NovaRelease.R2025_1
        )
        self.assertEqual((None, 2), (found.said, len(found.specs)))


class TestFromConfiguration(DesiredTestCase):
    def test_devices_of_neutron_do_not_count(self):
        neutron = YES | {"physical_network": "physnet1"}
        remote = YES | {"remote_managed": "true"}
        self.assert_root(self.desired(host("compute1", neutron, remote)))


class TestAddress(testtools.TestCase):
    def test_an_address_ends_the_name(self):
        for name, is_address in (
            ("compute1_0000:81:00.0", True),
            ("compute1:NIC Switch agent:0000:81:00.0", True),
            ("0000:81:00.0", True),
            ("compute1_A0000:81:00.0", False),
            ("compute1:NIC Switch agent:eth0", False),
            ("compute1", False),
        ):
            found = evidence.address_of(provider(name, "compute1"))
            self.assertEqual(is_address, found is not None, name)
