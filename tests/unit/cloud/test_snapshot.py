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


"""A cloud is asked for each thing once, and says what it does not know."""

from __future__ import annotations

import dataclasses
import datetime

import requests_mock
import testtools
from nova.conf import compute as nova_compute

from tests.unit.cloud import answers, clouds
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import Network, ServerHistory
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.errors import CloudError, NotFoundError

_LOG = "vfio_lm.cloud.snapshot"
_ID = "11111111-1111-4111-8111-111111111111"
_GONE = {"status_code": 404, "json": answers.GONE}


class SnapshotTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mock = requests_mock.Mocker()
        self.mock.start()
        self.addCleanup(self.mock.stop)

    def cloud(self, *services: str) -> WholeCloud:
        urls = {name: clouds.ALL[name] for name in services}
        return WholeCloud(clouds.mocked(self.mock, **urls))

    def asked(self, part: str) -> int:
        return sum(part in each.path for each in self.mock.request_history)


class TestEachThingOnce(SnapshotTestCase):
    def test_what_nova_has(self) -> None:
        cloud = self.cloud("compute")
        url = clouds.NOVA
        self.mock.get(f"{url}/os-services", json={"services": [answers.service()]})
        self.mock.get(f"{url}/servers/detail", json={"servers": [answers.server()]})
        self.mock.get(f"{url}/flavors/detail", json={"flavors": [answers.flavor()]})
        self.mock.get(f"{url}/os-aggregates", json={"aggregates": []})
        self.mock.get(f"{url}/os-migrations", json={"migrations": [answers.migration()]})
        self.mock.get(f"{url}/os-server-groups/g1", json={"server_group": answers.server_group()})
        for _ in range(2):
            self.assertIn("compute1", cloud.services)
            (server,) = cloud.servers
            self.assertEqual("apart", cloud.group_of(server).name)
            self.assertEqual(1, len(cloud.moves(server.id)))
            self.assertEqual(1, len(cloud.flavors))
            self.assertEqual((), cloud.aggregates)
        for part in (
            "os-services",
            "servers/detail",
            "flavors",
            "aggregates",
            "migrations",
            "groups",
        ):
            self.assertEqual(1, self.asked(part), part)

    def test_moves_are_asked_for_that_the_scheduler_may_not_know_of(self) -> None:
        cloud = self.cloud("compute")
        self.mock.get(f"{clouds.NOVA}/os-migrations", json={"migrations": []})
        now = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)
        cloud.departures(now)
        (text,) = self.mock.request_history[-1].qs["changes-since"]
        back = now - datetime.datetime.fromisoformat(text)
        (option,) = (
            each
            for each in nova_compute.interval_opts
            if each.name == "scheduler_instance_sync_interval"
        )
        interval = datetime.timedelta(seconds=option.default)
        self.assertTrue(interval < back < 2 * interval, back)

    def test_hypervisors_are_asked_for_again_where_their_servers_matter(self) -> None:
        cloud = self.cloud("compute")
        self.mock.get(
            f"{clouds.NOVA}/os-hypervisors/detail", json={"hypervisors": [answers.hypervisor()]}
        )
        self.assertIsNone(cloud.nodes()["compute1"].server_ids)
        for _ in range(2):
            node = cloud.nodes(with_servers=True)["compute1"]
            self.assertEqual({answers.SERVER_ID}, node.server_ids)
        self.assertEqual(2, self.asked("os-hypervisors"))

    def test_ports_are_asked_for_those_servers_that_are_not_known_yet(self) -> None:
        cloud = self.cloud("network")
        self.mock.get(f"{clouds.NEUTRON}/ports", json={"ports": []})
        cloud.networks(["s1", "s2"])
        self.assertEqual({"s1", "s3"}, set(cloud.networks(["s1", "s3"])))
        last = self.mock.request_history[-1]
        self.assertEqual((2, ["s3"]), (self.asked("/ports"), last.qs["device_id"]))


class TestHistories(SnapshotTestCase):
    """What was done with servers; their own states were listed before."""

    def history(self, *actions: str, **server: object) -> ServerHistory:
        url = f"{clouds.NOVA}/servers/{_ID}"
        shown = [{"action": action} for action in actions]
        self.mock.get(f"{clouds.NOVA}/os-migrations", json={"migrations": []})
        self.mock.get(url, **server)
        self.mock.get(
            f"{url}/os-instance-actions",
            **({"json": {"instanceActions": shown}} if actions else _GONE),
        )
        return self.cloud("compute").histories([_ID])[_ID]

    def test_a_server_that_nobody_deleted_is_not_asked_for_again(self) -> None:
        self.assertEqual(
            ServerHistory(has_port_added=True), self.history("create", "attach_interface", **_GONE)
        )

    def test_one_that_was_deleted_and_is_there_is_not_gone(self) -> None:
        there = {"json": {"server": answers.server() | {"id": _ID}}}
        self.assertFalse(self.history("create", "delete", **there).is_gone)

    def test_one_that_was_deleted_is_gone(self) -> None:
        self.assertTrue(self.history("create", "delete", **_GONE).is_gone)

    def test_one_that_nova_no_longer_knows_is_gone(self) -> None:
        self.assertTrue(self.history().is_gone)


class TestServices(SnapshotTestCase):
    def test_placement_is_there_without_nova_and_nova_without_placement(self) -> None:
        self.mock.get(f"{clouds.PLACEMENT}/resource_providers", json={"resource_providers": []})
        cloud = self.cloud("placement")
        self.assertEqual({}, cloud.pci_providers)
        self.assertRaises(CloudError, lambda: cloud.servers)

    def test_a_host_that_has_no_nova_compute_is_named_with_those_that_have(self) -> None:
        cloud = self.cloud("compute")
        self.mock.get(f"{clouds.NOVA}/os-services", json={"services": [answers.service("a")]})
        self.assertEqual("a", cloud.service("a").host)
        error = self.assertRaises(NotFoundError, cloud.service, "b")
        self.assertIn("'b'", str(error))

    def test_the_user_is_an_administrator_as_far_as_the_token_shows(self) -> None:
        self.assertIs(True, self.cloud("compute").user_is_admin)


class TestWithUnits(SnapshotTestCase):
    """Units of whole hosts come with one answer, those of a host that is full one by one."""

    def setUp(self) -> None:
        super().setUp()
        self.url = clouds.PLACEMENT
        self.cloud_ = self.cloud("placement")
        providers = [answers.provider("compute1"), answers.provider("full")]
        self.mock.get(f"{self.url}/resource_providers", json={"resource_providers": providers})
        self.mock.get(f"{self.url}/allocation_candidates", json=answers.candidates())
        full = f"{self.url}/resource_providers/uuid-of-full"
        self.mock.get(f"{full}/inventories", json={"inventories": {"VF": answers.inventory()}})
        self.mock.get(f"{full}/usages", json={"usages": {"VF": 5}})
        self.mock.get(f"{full}/traits", json={"traits": []})

    def test_all_are_there(self) -> None:
        found = {each.uuid: each for each in self.cloud_.with_units(self.cloud_.pci_providers)}
        self.assertEqual(62, found["uuid-of-compute1"].inventories["VCPU"].free)
        self.assertEqual(0, found["uuid-of-full"].inventories["VF"].free)
        self.assertEqual(3, self.asked("allocation_candidates"))

    def test_one_question_is_enough_where_no_host_is_full(self) -> None:
        known = self.cloud_.pci_providers
        wanted = {uuid: each for uuid, each in known.items() if each.name == "compute1"}
        self.assertEqual(1, len(self.cloud_.with_units(wanted)))
        self.assertEqual(1, self.asked("allocation_candidates"))

    def test_one_host_is_looked_at_by_itself(self) -> None:
        wanted = {"uuid-of-compute1": self.cloud_.pci_providers["uuid-of-compute1"]}
        self.cloud_.with_units(wanted, "uuid-of-compute1")
        self.assertEqual(["uuid-of-compute1"], self.mock.request_history[-1].qs["in_tree"])


class TestNetworks(SnapshotTestCase):
    def test_a_cloud_without_neutron_has_no_ports(self) -> None:
        cloud = self.cloud("compute")
        self.assertEqual({"s1": Network()}, cloud.networks(["s1"]))
        self.assertEqual({}, cloud.pci_ports)

    def test_whether_neutron_has_port_bindings_is_asked_where_a_port_is_replugged(self) -> None:
        cloud = self.cloud("network")
        ports = [answers.port(device_id="s1"), answers.port(id="p2", device_id="s2")]
        ports[1]["binding:vnic_type"] = "normal"
        self.mock.get(f"{clouds.NEUTRON}/ports", json={"ports": ports})
        self.mock.get(
            f"{clouds.NEUTRON}/extensions/binding-extended", json={"extension": {"alias": "x"}}
        )
        found = cloud.networks(["s1", "s2"])
        self.assertEqual(
            (True, None), (found["s1"].has_port_bindings, found["s2"].has_port_bindings)
        )

    def test_a_neutron_that_does_not_answer_is_not_taken_for_no_ports(self) -> None:
        for answer in ({"status_code": 503}, {"text": "<html>"}, {"json": {}}, {"json": []}):
            cloud = self.cloud("network")
            self.mock.get(f"{clouds.NEUTRON}/ports", **answer)
            with self.assertLogs(_LOG, "WARNING") as logs:
                self.assertIsNone(cloud.networks(["s1"])["s1"].ports)
            self.assertIn("ports of servers are not known: neutron ", logs.output[0])
            self.assertRaises(CloudError, lambda cloud=cloud: cloud.pci_ports)


class TestImageProperties(SnapshotTestCase):
    def server(self, **changes: object):
        of_volume = {"image_properties": None, "volume_ids": ("v1",), "root_device": "/dev/vda"}
        return dataclasses.replace(facts().server, **of_volume | changes)

    def test_those_of_an_image_need_no_cinder(self) -> None:
        server = self.server(image_properties={"os_distro": "debian"})
        found = self.cloud("compute").image_properties([server])
        self.assertEqual({server.id: {"os_distro": "debian"}}, found)

    def test_those_of_a_boot_volume_are_cinders(self) -> None:
        cloud = self.cloud("block_storage")
        self.mock.get(f"{clouds.CINDER}/volumes/v1", json={"volume": answers.volume()})
        server = self.server()
        self.assertEqual({server.id: {"os_distro": "debian"}}, cloud.image_properties([server]))

    def test_without_cinder_they_are_not_known(self) -> None:
        server = self.server()
        self.assertEqual({server.id: None}, self.cloud("compute").image_properties([server]))

    def test_a_cinder_that_does_not_answer_is_not_taken_for_no_properties(self) -> None:
        for answer in ({"status_code": 503}, {"text": "<html>"}, {"json": {}}, {"json": None}):
            cloud = self.cloud("block_storage")
            self.mock.get(f"{clouds.CINDER}/volumes/v1", **answer)
            server = self.server()
            with self.assertLogs(_LOG, "WARNING") as logs:
                self.assertEqual({server.id: None}, cloud.image_properties([server]))
            self.assertIn("images of boot volumes are not known: cinder ", logs.output[0])
