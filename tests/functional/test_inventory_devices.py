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

"""``openstack vfio device …`` as a user types it: numbers, filters, holders, requests."""

from __future__ import annotations

import re
import uuid

from tests.cloud import HostSpec
from tests.functional.base import UNTAGGED, YES, CloudTestCase, Finished

RESOURCE_CLASS = "CUSTOM_PCI_8086_1515"


class DeviceTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", pfs=2, device_specs=(YES,)),
        HostSpec("compute2", device_specs=(UNTAGGED,)),
    )

    def devices(self, *options: str) -> dict[tuple[str, str], dict[str, object]]:
        done = self.openstack("vfio", "device", "list", "-f", "json", *options)
        self.assertEqual(0, done.status, done.errors)
        return {(item["Host"], item["Address"]): item for item in done.json()}

    def assert_refused(self, done: Finished, *words: str) -> None:
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(1, len(done.errors.strip().splitlines()), done.errors)
        for word in words:
            self.assertIn(word, done.errors)

    def show_device(self, device: str) -> dict[str, object]:
        done = self.openstack("vfio", "device", "show", "-f", "json", device)
        self.assertEqual(0, done.status, done.errors)
        return done.json()


class TestList(DeviceTestCase):
    def test_units_are_counted_and_types_are_kept(self):
        self.boot(self.flavor("vf-any:2"), host="compute2")
        found = self.devices()
        self.assertEqual(
            [
                ("compute1", "0000:81:00.0"),
                ("compute1", "0000:81:01.0"),
                ("compute2", "0000:82:00.0"),
            ],
            sorted(found),
        )
        self.assertEqual(
            {
                "Host": "compute2",
                "Address": "0000:82:00.0",
                "Resource Class": RESOURCE_CLASS,
                "Total": 2,
                "Used": 2,
                "Free": 0,
                "Live Migratable": "no",
            },
            found["compute2", "0000:82:00.0"],
        )
        self.assertEqual("yes", found["compute1", "0000:81:00.0"]["Live Migratable"])

    def test_long_adds_the_provider_its_traits_and_its_owner(self):
        found = self.devices("--long")["compute1", "0000:81:00.0"]
        self.assertEqual(str(uuid.UUID(found["Provider UUID"])), found["Provider UUID"])
        self.assertIn("HW_PCI_LIVE_MIGRATABLE", found["Traits"])
        self.assertEqual("nova", found["Owner"])

    def test_filters(self):
        self.boot(self.flavor("vf-any:2"), host="compute2")
        on_compute1 = {("compute1", "0000:81:00.0"), ("compute1", "0000:81:01.0")}
        everything = on_compute1 | {("compute2", "0000:82:00.0")}
        for options, expected in (
            (("--host", "compute1"), on_compute1),
            (("--free",), on_compute1),
            (("--live-migratable", "yes"), on_compute1),
            (("--live-migratable", "no"), everything - on_compute1),
            (("--live-migratable", "no", "--free"), set()),
            (("--resource-class", RESOURCE_CLASS), everything),
        ):
            self.assertEqual(expected, set(self.devices(*options)), options)

    def test_no_device_is_an_answer_and_an_unknown_name_an_error(self):
        done = self.openstack(
            "vfio", "device", "list", "--live-migratable", "no", "--free", "--host", "compute1"
        )
        self.assertEqual((0, ""), (done.status, done.output), done)
        self.assertIn("no free PCI device on compute1 with live_migratable no", done.errors)
        done = self.openstack("vfio", "device", "list", "--resource-class", "CUSTOM_OTHER")
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(
            f"no resource class of PCI devices is named 'CUSTOM_OTHER'; known: {RESOURCE_CLASS}",
            done.errors.strip(),
        )

    def test_it_sorts_and_selects_like_any_list(self):
        arguments = ("-f", "value", "-c", "Address", "--sort-column", "Address")
        done = self.openstack("vfio", "device", "list", *arguments, "--sort-descending")
        self.assertEqual(["0000:82:00.0", "0000:81:01.0", "0000:81:00.0"], done.output.split())

    def test_before_nova_34_a_missing_trait_says_nothing(self):
        self.cloud.fill_placement(hosts=1, pfs=1, pci_traits=("COMPUTE_MANAGED_PCI_DEVICE",))
        self.addCleanup(self.cloud.empty_placement_filler)
        (device,) = self.devices("--host", "filler00000").values()
        self.assertEqual("unknown", device["Live Migratable"])
        for answer in ("yes", "no"):
            self.assertNotIn(
                "filler00000", [host for host, _ in self.devices("--live-migratable", answer)]
            )

    def test_what_a_host_left_behind_is_marked_and_not_free(self):
        self.cloud.fill_placement(hosts=1, pfs=1, vfs=2)
        self.addCleanup(self.cloud.empty_placement_filler)
        (device,) = self.devices("--host", "filler00000", "--long").values()
        self.assertEqual((2, 0), (device["Total"], device["Free"]))
        self.assertIs(False, device["Host Exists"])
        self.assertNotIn("filler00000", {host for host, _ in self.devices("--free")})
        shown = self.openstack("vfio", "device", "list").output
        self.assertIn("filler00000 (no such host)", shown)
        self.assertNotIn("compute1 (", shown)

    def test_a_host_that_has_nothing_left_is_listed_all_the_same(self):
        self.cloud.fill_placement(hosts=2, pfs=2, vfs=8)
        self.addCleanup(self.cloud.empty_placement_filler)
        devices = self.devices("--long", "--host", "filler00001")
        self.exhaust(
            "filler00001", {str(devices["filler00001", "0000:81:01.0"]["Provider UUID"]): 3}
        )
        for options in ((), ("--host", "filler00001")):
            found = self.devices(*options, "--long")
            used = found["filler00001", "0000:81:01.0"]
            self.assertEqual((8, 3), (used["Total"], used["Used"]))
            self.assertEqual("yes", used["Live Migratable"])
            untouched = found["filler00001", "0000:81:00.0"]
            self.assertEqual((8, 0), (untouched["Total"], untouched["Used"]))

    def exhaust(self, root: str, units: dict[str, int]) -> None:
        """Take all that a host has, and units of its devices."""
        placement = self.connection.placement
        (provider,) = placement.resource_providers(name=root)
        path = f"/resource_providers/{provider.id}/inventories"
        inventories = placement.get(path, microversion="1.39").json()["inventories"]
        allocations = {uuid: {"resources": {RESOURCE_CLASS: n}} for uuid, n in units.items()}
        allocations[provider.id] = {
            "resources": {name: item["total"] for name, item in inventories.items()}
        }
        response = placement.put(
            f"/allocations/{uuid.uuid4()}",
            json={
                "allocations": allocations,
                "consumer_generation": None,
                "consumer_type": "INSTANCE",
                "project_id": "p",
                "user_id": "u",
            },
            microversion="1.39",
        )
        self.assertEqual(204, response.status_code, response.text)

    def test_an_unknown_host(self):
        done = self.openstack("vfio", "device", "list", "--host", "compute9")
        self.assert_refused(done, "compute9")

    def test_a_user_without_the_admin_role(self):
        done = self.openstack("vfio", "device", "list", cloud="embedded-demo")
        self.assert_refused(done, "admin role")


class TestShow(DeviceTestCase):
    def test_it_names_the_servers_that_hold_units(self):
        server = self.boot(self.flavor("vf-any:2"), host="compute2", name="holder")
        found = self.show_device("compute2:0000:82:00.0")
        self.assertEqual([{"id": server, "name": "holder", "units": 2}], found["servers"])
        self.assertEqual((2, 2, 0), (found["total"], found["used"], found["free"]))
        self.assertEqual(found, self.show_device(str(found["provider_uuid"])))

    def test_the_claim_of_a_resize_has_no_name(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute2")
        self.resize(server, self.flavor("vf-yes:1"))
        (holder,) = self.show_device("compute2:0000:82:00.0")["servers"]
        self.assertEqual((None, 1), (holder["name"], holder["units"]))
        self.assertNotEqual(server, holder["id"])
        self.connection.compute.confirm_server_resize(server)

    def resize(self, server: str, flavor: str) -> None:
        self.connection.compute.resize_server(server, flavor)
        self.connection.compute.wait_for_server(
            self.connection.compute.get_server(server), status="VERIFY_RESIZE"
        )

    def test_bad_input(self):
        root = self.connection.compute.get("/os-hypervisors", microversion="2.100").json()
        root_uuid = root["hypervisors"][0]["id"]
        unknown = "11111111-2222-4333-8444-555555555555"
        for device, words in (
            (unknown, (unknown,)),
            (root_uuid, (root_uuid, "no PCI device")),
            ("compute1:0000:99:00.0", ("compute1_0000:99:00.0", "--host compute1")),
            ("compute1", ("compute1", "HOST:ADDRESS")),
        ):
            self.assert_refused(self.openstack("vfio", "device", "show", device), *words)


class RequestsTestCase(DeviceTestCase):
    def requests(self, *options: str) -> list[str]:
        """Return the URLs that the command asked for after it got its token."""
        done = self.openstack("vfio", "device", "list", "--debug", "-f", "value", *options)
        self.assertEqual(0, done.status, done.errors)
        self.lines = done.output.splitlines()
        urls = re.findall(r'REQ: curl .*?"?(http://[^\s"]+)', done.errors)
        identity = self.cloud.urls["keystone"].removesuffix("/v3")
        return [url for url in urls if not url.startswith(identity)]


class TestRequests(RequestsTestCase):
    """The number of requests does not grow with the cloud."""

    def test_a_thousand_hosts_cost_no_more_requests_than_two(self):
        small = self.requests()
        self.assertLessEqual(len(small), 10, small)
        self.cloud.fill_placement(hosts=1000, pfs=4, vfs=8)
        self.addCleanup(self.cloud.empty_placement_filler)
        large = self.requests("--long")
        self.assertEqual(4003, len(self.lines))
        self.assertEqual(len(small), len(large), large)
        self.assertEqual(len(small), len(self.requests("--host", "filler00500")))
        self.assertEqual(4, len(self.lines))


class TestRequestsOfAFullHost(RequestsTestCase):
    """A host without free memory is seen by what else it has left."""

    # Of 1024 MiB nova keeps 512 for the host, and the server takes the rest.
    hosts = (HostSpec("compute1", device_specs=(YES,), memory_mb=1024), *DeviceTestCase.hosts[1:])

    def test_it_costs_one_request_more(self):
        before = self.requests()
        self.boot(self.flavor("vf-yes:1"), host="compute1")
        after = self.requests()
        self.assertEqual(len(before) + 1, len(after), after)
        self.assertEqual(2, len(self.lines))
        device = self.devices()["compute1", "0000:81:00.0"]
        self.assertEqual((2, 1, 1), (device["Total"], device["Used"], device["Free"]))
