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

"""``openstack vfio host drain``: the plan, and what it says."""

from __future__ import annotations

import re
from typing import Any

from tests.cloud import HostSpec
from tests.cloud.administrator import MICROVERSION
from tests.functional.base import YES, CloudTestCase, Finished


class DrainTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", vfs=5, device_specs=(YES,)),
        HostSpec("compute2", vfs=3, device_specs=(YES,)),
        HostSpec("compute3", vfs=2, device_specs=(YES,), memory_mb=4096),
    )

    def drain(self, *options: str, host: str = "compute1") -> Finished:
        conf = str(self.cloud.nova_conf())
        return self.openstack("vfio", "host", "drain", host, "--nova-conf", conf, *options)

    def rows(self, *options: str, status: int = 0) -> dict[str, dict[str, Any]]:
        """Return what becomes of each server, by its name."""
        done = self.drain("-f", "json", *options)
        self.assertEqual(status, done.status, done)
        return {row["Name"]: row for row in done.json()}

    def flavor_with_memory(self, aliases: str, mib: int) -> str:
        flavor = self.connection.compute.create_flavor(
            name=f"memory-{mib}", vcpus=1, ram=mib, disk=1
        )
        extra_specs = {"pci_passthrough:alias": aliases}
        self.connection.compute.create_flavor_extra_specs(flavor, extra_specs)
        return str(flavor.id)

    def group(self, policy: str, **rules: int) -> str:
        body = {"name": "apart", "policy": policy, "rules": rules}
        response = self.connection.compute.post(
            "/os-server-groups", json={"server_group": body}, microversion=MICROVERSION
        )
        self.assertEqual(200, response.status_code, response.text)
        return str(response.json()["server_group"]["id"])


class TestPlan(DrainTestCase):
    def test_what_cannot_leave_is_named_with_its_remedy_and_nothing_moves(self):
        mobile = self.boot(self.flavor("vf-yes:2"), host="compute1", name="mobile")
        stuck = self.boot(self.flavor("vf-any:1"), host="compute1", name="stuck")
        self.boot(self.flavor(None), host="compute1", name="plain")
        found = self.rows(status=2)
        self.assertEqual({"mobile", "stuck"}, set(found))
        leaves, stays = found["mobile"], found["stuck"]
        self.assertEqual((1, "can leave"), (leaves["Order"], leaves["State"]))
        self.assertIn(leaves["Destination"], ("compute2", "compute3"))
        self.assertEqual([2], list(leaves["Devices"].values()))
        self.assertEqual(
            (None, "stays", None), (stays["Order"], stays["State"], stays["Destination"])
        )
        self.assertIn("alias-live-migratable: ", stays["Reason"])
        self.assertIn("openstack server resize ", stays["Remedy"])

        table = self.drain()
        self.assertEqual(2, table.status, table.errors)
        said = table.output
        self.assertIn("1 of 2 servers with PCI devices can leave compute1", said.splitlines()[0])
        self.assertIn("stuck: alias-live-migratable: ", said)
        for line in stays["Remedy"].splitlines():
            self.assertIn(f"\n  {line}\n", said)
        self.assertIn("1 server without PCI devices is on compute1", said)
        self.assertIn("openstack server migrate --live-migration", said)
        self.assertIn("openstack compute service set --disable compute1", said)
        for server in (mobile, stuck):
            self.assertEqual("compute1", self.host_of(server))
            self.assertEqual([], self.admin.migrations(server))

    def test_all_leave_where_taking_the_first_host_that_fits_would_strand_one(self):
        # By name as by host, the easy ones would take what only the big one cannot do without.
        easy = self.flavor("vf-yes:1")
        for name in ("a-easy", "b-easy"):
            self.boot(easy, host="compute1", name=name)
        self.boot(self.flavor_with_memory("vf-yes:3", 8192), host="compute1", name="z-big")
        found = self.rows()
        self.assertEqual(
            {"a-easy": "compute3", "b-easy": "compute3", "z-big": "compute2"},
            {name: row["Destination"] for name, row in found.items()},
        )

    def test_a_server_group_keeps_its_servers_apart_at_the_destinations(self):
        hints = {"group": self.group("anti-affinity", max_server_per_host=2)}
        flavor = self.flavor("vf-yes:1")
        for name, host in (("one", "compute1"), ("two", "compute1"), ("there", "compute2")):
            self.boot(flavor, host=host, name=name, hints=hints)
        there = {row["Destination"] for row in self.rows().values()}
        self.assertLessEqual({"compute3"}, there)
        self.boot(self.flavor("vf-yes:2"), host="compute3", name="occupant")
        found = self.rows(status=2)
        self.assertEqual(["can leave", "stays"], sorted(row["State"] for row in found.values()))
        (stays,) = (row for row in found.values() if row["State"] == "stays")
        self.assertIn("a place for another server of group apart", stays["Reason"])

    def test_an_input_that_is_missing_is_unknown(self):
        self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        done = self.openstack("vfio", "host", "drain", "compute1", "-f", "json")
        self.assertEqual(3, done.status, done)
        (row,) = done.json()
        self.assertEqual("unknown", row["State"])
        self.assertIn("--nova-conf", row["Remedy"])

    def test_a_host_without_such_servers_is_drained_already(self):
        self.assertEqual({}, self.rows())
        self.assertIn("No server with PCI devices is on compute1", self.drain().output)
        self.boot(self.flavor(None), host="compute1", name="plain")
        for options, where in (((), "output"), (("-f", "json"), "errors")):
            said = getattr(self.drain(*options), where)
            self.assertIn("1 server without PCI devices is on compute1", said)

    def test_more_servers_cost_no_more_requests_but_for_what_each_holds(self):
        flavor = self.flavor("vf-yes:1")
        self.boot(flavor, host="compute1", name="one")
        few = self.requests()
        for name in ("two", "three"):
            self.boot(flavor, host="compute1", name=name)
        self.assertEqual(few, self.requests())

    def requests(self) -> int:
        """Return how many requests a plan makes, but for those about each server's own things."""
        done = self.drain("--debug")
        self.assertEqual(0, done.status, done.errors)
        urls = re.findall(r'REQ: curl .*?"?(http://[^\s"]+)', done.errors)
        identity = self.cloud.urls["keystone"].removesuffix("/v3")
        of_one_server = re.compile("/allocations|/os-instance-actions")
        return sum(not url.startswith(identity) and not of_one_server.search(url) for url in urls)

    def test_pictures(self):
        self.boot(self.flavor("vf-yes:1"), host="compute1", name='"mobile"')
        self.boot(self.flavor("vf-any:1"), host="compute1", name="stuck")
        dot = self.drain("-f", "dot", "-c", "Name")
        self.assertEqual(2, dot.status, dot.errors)
        self.assertTrue(dot.output.startswith("digraph drain {\n"))
        self.assertTrue(dot.output.endswith("}\n"))
        self.assertIn('label="compute1"', dot.output)
        self.assertIn('label="\\"mobile\\"\\ncan leave"', dot.output)
        self.assertEqual(1, dot.output.count("->"))
        mermaid = self.drain("-f", "mermaid").output
        self.assertTrue(mermaid.startswith("flowchart LR\n"))
        self.assertIn('subgraph source["compute1"]', mermaid)
        self.assertIn("stuck<br/>stays", mermaid)
        self.assertEqual(1, mermaid.count("-->|"))

    def test_bad_input_is_refused_with_its_name(self):
        for options, words in (
            (("--parallel", "0", "--execute"), "--parallel: '0'"),
            (("--parallel", "two", "--execute"), "--parallel: 'two'"),
            (("--parallel", "2"), "--parallel is only allowed with --execute"),
            (("--disable",), "--disable is only allowed with --execute"),
            (("--keep-going",), "--keep-going is only allowed with --execute"),
            (("--execute", "--disable-reason", "x"), "only allowed with --disable"),
        ):
            done = self.drain(*options)
            self.assertEqual((1, ""), (done.status, done.output), done)
            self.assertIn(words, done.errors)
        done = self.drain(host="nowhere")
        self.assertEqual(1, done.status)
        self.assertIn("no compute host is named 'nowhere'; known: compute1,", done.errors)
