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


"""What is wanted of a cloud is taken from its snapshot, and gaps are handed over."""

from __future__ import annotations

import requests_mock
import testtools

from tests.unit.cloud import answers, clouds
from tests.unit.inventory.cloud import ALIASES
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.inventory import (
    Action,
    DeviceFilter,
    collect_alias_usage,
    collect_devices,
    collect_flavors,
    collect_hosts,
    collect_servers,
    collect_strays,
    find_device,
    find_flavor,
    list_servers,
    look_at_servers,
    plan_upgrade,
)

PCI = {"root_provider_uuid": "uuid-of-compute1", "parent_provider_uuid": "uuid-of-compute1"}
DEVICE = "compute1_0000:81:00.0"
VF = "CUSTOM_PCI_8086_1515"
TRAITS = ["COMPUTE_MANAGED_PCI_DEVICE", "OWNER_NOVA", "HW_PCI_LIVE_MIGRATABLE"]


class CollectTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mock = requests_mock.Mocker()
        self.mock.start()
        self.addCleanup(self.mock.stop)
        self.cloud = WholeCloud(clouds.mocked(self.mock, **clouds.ALL))
        self.put_nova()
        self.put_placement()

    def put_nova(self) -> None:
        flavor = answers.flavor("pci", extra_specs={"pci_passthrough:alias": "yes:1"})
        plain = answers.flavor("plain", extra_specs={})
        embedded = answers.server()["flavor"] | {"extra_specs": flavor["extra_specs"]}
        servers = [
            answers.server("a", flavor=embedded | {"original_name": "pci"}),
            answers.server("b"),
        ]
        for path, body in {
            "os-services": {"services": [answers.service()]},
            "os-hypervisors/detail": {"hypervisors": [answers.hypervisor()]},
            "servers/detail": {"servers": servers},
            "flavors/detail": {"flavors": [flavor, plain]},
            "flavors/id-of-pci": {"flavor": flavor},
            "flavors/id-of-plain": {"flavor": plain},
        }.items():
            self.mock.get(f"{clouds.NOVA}/{path}", json=body)
        self.mock.get(f"{clouds.NEUTRON}/ports", json={"ports": []})

    def put_placement(self) -> None:
        uuid = f"uuid-of-{DEVICE}"
        url = clouds.PLACEMENT
        summaries = answers.candidates()
        summaries["provider_summaries"][uuid] = PCI | {
            "resources": {VF: {"capacity": 4, "used": 1}},
            "traits": TRAITS,
        }
        provider = answers.provider(DEVICE, **PCI)
        for path, body in {
            "resource_providers": {"resource_providers": [provider]},
            "allocation_candidates": summaries,
            f"resource_providers/{uuid}/inventories": {
                "inventories": {VF: answers.inventory(total=4, reserved=0)}
            },
            f"resource_providers/{uuid}/usages": {"usages": {VF: 1}},
            f"resource_providers/{uuid}/traits": {"traits": TRAITS},
            f"resource_providers/{uuid}/allocations": {
                "allocations": {"id-of-a": {"resources": {VF: 1}}, "other": {"resources": {VF: 2}}}
            },
            "allocations/id-of-a": {"allocations": {uuid: {"resources": {VF: 1}}}},
        }.items():
            self.mock.get(f"{url}/{path}", json=body)


class TestDevices(CollectTestCase):
    def test_all_and_those_that_are_asked_for(self) -> None:
        (found,) = collect_devices(self.cloud)
        self.assertEqual(
            ("compute1", "0000:81:00.0", 4, 1, 3),
            (found.host, found.address, found.total, found.used, found.free),
        )
        for wanted, count in ((DeviceFilter(host="compute1"), 1), (DeviceFilter(is_free=True), 1)):
            self.assertEqual(count, len(collect_devices(self.cloud, wanted)))
        error = self.assertRaises(
            NotFoundError, collect_devices, self.cloud, DeviceFilter(host="compute9")
        )
        self.assertIn("compute9", str(error))

    def test_one_by_its_address_with_who_holds_it(self) -> None:
        device, holders = find_device(self.cloud, "compute1:0000:81:00.0")
        self.assertEqual("0000:81:00.0", device.address)
        self.assertEqual([("a", 1), (None, 2)], [(each.name, each.units) for each in holders])

    def test_one_that_is_not_there(self) -> None:
        for name in ("compute1:0000:82:00.0", "nonsense", "0" * 8 + "-0000-0000-0000-" + "0" * 12):
            self.assertRaises(NotFoundError, find_device, self.cloud, name)


class TestStrays(CollectTestCase):
    CONSUMER = "b9c7b7e4-1d7a-4d6b-8a53-0f3f0c8d7e21"

    def strays(self, *migrations: dict[str, object]) -> list[tuple[str, int]]:
        held = {"id-of-a": {"resources": {VF: 1}}, self.CONSUMER: {"resources": {VF: 2}}}
        self.mock.get(
            f"{clouds.PLACEMENT}/resource_providers/uuid-of-{DEVICE}/allocations",
            json={"allocations": held},
        )
        self.mock.get(f"{clouds.NOVA}/os-migrations", json={"migrations": list(migrations)})
        found = collect_strays(self.cloud, collect_devices(self.cloud))
        return [(stray.id, stray.units[DEVICE]) for stray in found]

    def test_what_nova_knows_neither_as_a_server_nor_as_a_migration_is_one(self) -> None:
        said = {"itemNotFound": {"code": 404, "message": "Instance could not be found."}}
        url = f"{clouds.NOVA}/servers/{self.CONSUMER}"
        self.mock.get(url, status_code=404, json=said)
        over = answers.migration(uuid=self.CONSUMER, status="completed")
        self.assertEqual([(self.CONSUMER, 2)], self.strays(over))

    def test_the_claim_of_a_migration_is_none(self) -> None:
        self.assertEqual([], self.strays(answers.migration(uuid=self.CONSUMER, status="running")))

    def test_a_server_that_nova_does_not_list_is_none(self) -> None:
        server = answers.server("c", id=self.CONSUMER)
        self.mock.get(f"{clouds.NOVA}/servers/{self.CONSUMER}", json={"server": server})
        self.assertEqual([], self.strays())


class TestHosts(CollectTestCase):
    def test_a_host_has_its_service_its_hypervisor_and_its_devices(self) -> None:
        (found,) = collect_hosts(self.cloud)
        self.assertEqual(("compute1", True, 3), (found.name, found.service.is_up, found.free))

    def test_each_service_that_is_not_there_is_a_gap_and_no_error(self) -> None:
        for missing, name in (("compute", "nova"), ("placement", "placement")):
            others = {key: url for key, url in clouds.ALL.items() if key != missing}
            cloud = WholeCloud(clouds.mocked(self.mock, **others))
            gaps: list[CloudError] = []
            (found,) = collect_hosts(cloud, gaps.append)
            self.assertEqual("compute1", found.name)
            self.assertEqual([name], [str(gap).split()[0] for gap in gaps])
            self.assertRaises(CloudError, collect_hosts, cloud)
            self.assertEqual(name == "nova", found.service is None)


class TestServers(CollectTestCase):
    def test_servers_with_devices_and_what_they_hold(self) -> None:
        (found,) = collect_servers(self.cloud, aliases=ALIASES)
        self.assertEqual("a", found.server.name)
        self.assertEqual(
            [("0000:81:00.0", 1)], [(each.address, each.units) for each in found.devices]
        )

    def test_a_host_that_is_not_there_is_no_host_without_servers(self) -> None:
        self.assertRaises(NotFoundError, collect_servers, self.cloud, host="compute9")

    def test_what_they_hold_is_a_gap_where_placement_is_not_there(self) -> None:
        cloud = WholeCloud(clouds.mocked(self.mock, compute=clouds.NOVA))
        gaps: list[CloudError] = []
        servers = list_servers(cloud, aliases=ALIASES)
        self.assertEqual(servers, look_at_servers(cloud, servers, gaps.append))
        self.assertEqual(1, len(gaps))
        self.assertIsNone(servers[0].devices)
        self.assertRaises(CloudError, look_at_servers, cloud, servers)


class TestFlavors(CollectTestCase):
    def test_flavors_that_ask_for_devices_with_their_servers(self) -> None:
        (found,) = collect_flavors(self.cloud, ALIASES)
        self.assertEqual(("pci", 1), (found.flavor.name, found.servers))
        self.assertEqual(1, find_flavor(self.cloud, "id-of-pci").servers)
        self.assertRaises(NotFoundError, find_flavor, self.cloud, "id-of-plain")
        self.assertEqual({"yes"}, set(collect_alias_usage(self.cloud)))


class TestUpgrade(CollectTestCase):
    def test_ports_behind_the_first_page_are_part_of_the_plan(self) -> None:
        ports = [answers.port(id=f"p{n}", device_id=f"id-of-{name}") for n, name in enumerate("ab")]
        more = [{"rel": "next", "href": "…"}]
        url = f"{clouds.NEUTRON}/ports"
        self.mock.get(url, json={"ports": ports[:1], "ports_links": more})
        self.mock.get(f"{url}?marker=p0", json={"ports": ports[1:]})
        steps = plan_upgrade(self.cloud, ALIASES, {})
        self.assertEqual(
            [("a", ("p0",)), ("b", ("p1",))],
            [(each.server.name, each.ports) for each in steps if each.action is Action.REATTACH],
        )

    def test_a_neutron_that_does_not_answer_is_an_error(self) -> None:
        for body in ({"status_code": 503}, {"text": "<html>"}, {"json": {"ports": None}}):
            cloud = WholeCloud(clouds.mocked(self.mock, **clouds.ALL))
            self.mock.get(f"{clouds.NEUTRON}/ports", **body)
            error = self.assertRaises(CloudError, plan_upgrade, cloud, ALIASES, {})
            self.assertTrue(str(error).startswith("neutron "), error)
