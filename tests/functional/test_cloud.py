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

"""The embedded cloud is what a real one is, as far as the other tests rely on it."""

from __future__ import annotations

import json
import unittest
from typing import Any

import openstack.exceptions
from nova.conf import pci as nova_pci_options
from oslo_config import cfg

from tests.cloud import Cloud, CloudError, CloudSpec, HostSpec
from tests.cloud.testcase import OwnCloudTestCase

LIVE_MIGRATABLE = "HW_PCI_LIVE_MIGRATABLE"
VF_CLASS = "CUSTOM_PCI_8086_1515"
FOREIGN_TRAIT = "CUSTOM_FOREIGN"

(MIGRATABLE_ALIAS,) = CloudSpec().aliases
ANY_ALIAS = {
    "name": "vf-any",
    "vendor_id": "8086",
    "product_id": "1515",
    "device_type": "type-VF",
}
PINNED_SPEC = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "no"}


def setUpModule() -> None:
    """Start the cloud that the tests of this module share."""
    OwnCloudTestCase.cloud = unittest.enterModuleContext(Cloud())


class TestWhatRuns(OwnCloudTestCase):
    """What a cloud has when it has started."""

    def test_all_services_are_up(self) -> None:
        services = {(each.binary, each.host): each.state for each in self.client.compute.services()}
        computes = {("nova-compute", f"compute{number}"): "up" for number in (1, 2, 3)}
        self.assertEqual(
            {("nova-conductor", "controller"): "up", ("nova-scheduler", "controller"): "up"}
            | computes,
            services,
        )

    def test_the_catalogue_names_every_service(self) -> None:
        self.assertEqual(
            {"identity", "compute", "placement", "image", "network"},
            {each.type for each in self.client.identity.services()},
        )
        for name in ("compute", "placement", "image"):
            self.assertIsNotNone(self.client.endpoint_for(name))

    def test_there_is_an_image_to_boot(self) -> None:
        image = self.client.image.find_image("cirros")
        self.assertEqual("active", image.status)
        self.assertEqual(b"\0" * image.size, self.client.image.download_image(image).content)

    def test_every_pf_is_a_provider_below_its_host(self) -> None:
        root = self.provider("compute2")
        device = self.provider("compute2_0000:82:00.0")
        self.assertEqual(root.id, device.parent_provider_id)
        self.assertEqual(2, self.inventory(device.name)[VF_CLASS]["total"])

    def test_a_host_has_what_its_specification_says(self) -> None:
        spec = HostSpec("large", pfs=1, vfs=20, bus=0xC0, vcpus=6, memory_mb=4096)
        self.cloud.add_host(spec)
        self.addCleanup(self.cloud.remove_host, "large")
        host = self.client.compute.find_hypervisor("large", details=True)
        self.assertEqual("large", host.name)
        root = self.inventory("large")
        self.assertEqual((6, 4096), (root["VCPU"]["total"], root["MEMORY_MB"]["total"]))
        self.assertEqual(20, self.inventory("large_0000:C0:00.0")[VF_CLASS]["total"])

    def test_nova_puts_its_traits_on_devices(self) -> None:
        self.assertEqual(
            {"OWNER_NOVA", "COMPUTE_MANAGED_PCI_DEVICE", LIVE_MIGRATABLE},
            self.traits("compute1_0000:81:00.0"),
        )

    def test_users_differ_in_what_they_may_do(self) -> None:
        for name in ("embedded-demo", "embedded-reader"):
            with self.assertRaises(openstack.exceptions.ForbiddenException):
                list(self.cloud.connection(name).compute.services())
        demo = self.cloud.connection("embedded-demo")
        self.assertEqual([], list(demo.compute.servers()))
        self.assertNotEqual(self.client.current_project_id, demo.current_project_id)

    def test_ports_can_be_read(self) -> None:
        ports = {each.name: each.binding_vnic_type for each in self.client.network.ports()}
        self.assertEqual("direct", ports["sriov-1"])
        self.assertEqual("direct-physical", ports["sriov-pf-1"])


class TestNovaConf(OwnCloudTestCase):
    """The nova.conf files tell the truth."""

    def read(self, host: str | None = None) -> Any:
        """Read the PCI options of a nova.conf as nova does."""
        conf = cfg.ConfigOpts()
        nova_pci_options.register_opts(conf)
        conf.register_opt(cfg.BoolOpt("pci_in_placement"), group="filter_scheduler")
        conf.register_opt(cfg.StrOpt("host"))
        conf(["--config-file", str(self.cloud.nova_conf(host))])
        return conf

    def test_every_host_has_its_own(self) -> None:
        conf = self.read("compute2")
        self.assertEqual("compute2", conf.host)
        self.assertTrue(conf.pci.report_in_placement)
        self.assertEqual(
            ["yes"], [json.loads(each)["live_migratable"] for each in conf.pci.device_spec]
        )

    def test_the_controller_knows_the_aliases(self) -> None:
        conf = self.read()
        self.assertEqual([MIGRATABLE_ALIAS], [json.loads(each) for each in conf.pci.alias])
        self.assertTrue(conf.filter_scheduler.pci_in_placement)

    def test_an_alias_changes_for_the_next_request(self) -> None:
        self.addCleanup(self.cloud.set_aliases, [MIGRATABLE_ALIAS])
        with self.assertRaisesRegex(CloudError, "vf-any"):
            self.boot("early", alias="vf-any:1")
        self.cloud.set_aliases([MIGRATABLE_ALIAS, ANY_ALIAS])
        self.assertEqual("ACTIVE", self.boot("late", alias="vf-any:1").status)
        for host in (None, "compute1"):
            aliases = [json.loads(each) for each in self.read(host).pci.alias]
            self.assertEqual([MIGRATABLE_ALIAS, ANY_ALIAS], aliases)

    def test_an_alias_that_nova_refuses_changes_nothing(self) -> None:
        with self.assertRaisesRegex(CloudError, "PciInvalidAlias.*nope"):
            self.cloud.set_aliases([{"name": "vf-lm", "nope": "1"}])
        self.assertEqual([MIGRATABLE_ALIAS], [json.loads(each) for each in self.read().pci.alias])
        self.assertEqual("ACTIVE", self.boot().status)

    def test_the_scheduler_can_stop_looking_for_devices_in_placement(self) -> None:
        self.addCleanup(self.cloud.set_pci_in_placement, True)
        self.addCleanup(self.cloud.set_aliases, [MIGRATABLE_ALIAS])
        alternatives = [MIGRATABLE_ALIAS, {**MIGRATABLE_ALIAS, "product_id": "1516"}]
        with self.assertRaisesRegex(CloudError, "multiple specs"):
            self.cloud.set_aliases(alternatives)
        self.cloud.set_pci_in_placement(False)
        self.cloud.set_aliases(alternatives)
        self.assertFalse(self.read().filter_scheduler.pci_in_placement)
        self.assertTrue(self.read("compute1").pci.report_in_placement)


class TestHosts(OwnCloudTestCase):
    """Hosts come, go, fall silent and change."""

    def test_a_host_can_be_added_and_removed(self) -> None:
        self.cloud.add_host(HostSpec("extra", pfs=2, vfs=9))
        self.assertEqual(9, self.inventory("extra_0000:84:02.0")[VF_CLASS]["total"])
        self.assertEqual("up", self.compute_service("extra").state)
        self.assertEqual("extra", self.boot(host="extra").compute_host)
        self.cloud.reset()
        self.cloud.remove_host("extra")
        self.assertIsNone(self.compute_service("extra"))
        self.assertEqual(
            [],
            [
                each.name
                for each in self.client.placement.resource_providers()
                if "extra" in each.name
            ],
        )
        self.assertFalse(self.cloud.nova_conf("extra").exists())

    def test_a_host_with_servers_cannot_be_removed(self) -> None:
        self.boot(host="compute2")
        with self.assertRaisesRegex(CloudError, "compute2.*hosting instances"):
            self.cloud.remove_host("compute2")
        self.assertEqual("up", self.compute_service("compute2").state)

    def test_a_stopped_host_is_down_at_once(self) -> None:
        server = self.boot(host="compute1")
        self.cloud.stop_host("compute1")
        self.assertEqual("down", self.compute_service("compute1").state)
        self.assertEqual(
            {"compute1": False, "compute2": True, "compute3": True}, self.cloud.hosts()
        )
        self.cloud.start_host("compute1")
        self.assertEqual("up", self.compute_service("compute1").state)
        self.assertEqual("compute2", self.migrate(server, "compute2").compute_host)

    def test_a_disabled_host_gets_no_servers(self) -> None:
        self.cloud.disable_host("compute1", reason="for a test")
        service = self.compute_service("compute1")
        self.assertEqual(("disabled", "for a test"), (service.status, service.disabled_reason))
        self.assertIn("COMPUTE_STATUS_DISABLED", self.traits("compute1"))
        self.cloud.enable_host("compute1")
        self.assertNotIn("COMPUTE_STATUS_DISABLED", self.traits("compute1"))

    def test_a_host_can_restart_with_other_device_specs(self) -> None:
        device = "compute3_0000:83:00.0"
        self.addCleanup(self.cloud.restart_host, "compute3", HostSpec("compute3"))
        self.cloud.restart_host("compute3", HostSpec("compute3", device_specs=(PINNED_SPEC,)))
        self.assertNotIn(LIVE_MIGRATABLE, self.traits(device))
        self.cloud.restart_host("compute3", HostSpec("compute3"))
        self.assertIn(LIVE_MIGRATABLE, self.traits(device))

    def test_a_host_that_cannot_start_says_why(self) -> None:
        broken = HostSpec("broken", device_specs=({**PINNED_SPEC, "live_migratable": "maybe"},))
        with self.assertRaisesRegex(
            CloudError, "Unrecognized value 'maybe'.*nova-compute of broken"
        ):
            self.cloud.add_host(broken)
        self.assertIsNone(self.compute_service("broken"))
        self.assertNotIn("broken", self.cloud.hosts())

    def test_a_host_that_placement_would_not_take_is_not_half_there(self) -> None:
        pf_and_vfs = ({**PINNED_SPEC, "product_id": "1528"}, PINNED_SPEC)
        with self.assertRaisesRegex(CloudError, "Either the parent PF or its children VFs"):
            self.cloud.add_host(HostSpec("both", device_specs=pf_and_vfs))
        self.assertIsNone(self.compute_service("both"))
        self.assertIsNone(self.provider("both"))
        self.assertNotIn("both", self.cloud.hosts())

    def test_a_host_cannot_be_added_twice(self) -> None:
        with self.assertRaisesRegex(CloudError, "has a host compute1 already"):
            self.cloud.add_host(HostSpec("compute1"))

    def test_an_old_hypervisor_is_refused_as_nova_does(self) -> None:
        with self.assertRaisesRegex(CloudError, "libvirt.*10.0.0"):
            self.cloud.add_host(HostSpec("old", libvirt_version="9.5.0"))

    def test_the_periodic_update_takes_foreign_traits_from_devices_only(self) -> None:
        device = "compute1_0000:81:00.0"
        self.admin.add_trait("compute1", FOREIGN_TRAIT)
        self.admin.add_trait(device, FOREIGN_TRAIT)
        self.cloud.update_resources("compute1")
        self.assertIn(FOREIGN_TRAIT, self.traits("compute1"))
        self.assertNotIn(FOREIGN_TRAIT, self.traits(device))
        self.assertIn(LIVE_MIGRATABLE, self.traits(device))


class TestPlacementFiller(OwnCloudTestCase):
    """Placement can be made as full as that of a large cloud."""

    def test_providers_come_and_go(self) -> None:
        before = {each.name for each in self.client.placement.resource_providers()}
        self.cloud.fill_placement(hosts=30, pfs=2, vfs=8)
        self.addCleanup(self.cloud.empty_placement_filler)
        found = self.client.placement.get(
            "/allocation_candidates?resources=VCPU:1&resources1=CUSTOM_PCI_8086_1515:8"
            f"&required1={LIVE_MIGRATABLE}&group_policy=none&limit=1000"
        ).json()
        self.assertEqual(60, len(found["allocation_requests"]))
        self.assertEqual(90, len(found["provider_summaries"]))
        self.cloud.empty_placement_filler()
        self.assertEqual(before, {each.name for each in self.client.placement.resource_providers()})
