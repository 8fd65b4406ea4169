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

"""What many servers hold is learned in few requests, and is the same as for each of them alone."""

import collections
import dataclasses

import testtools

from tests.unit.preflight import scenario
from vfio_lm.cloud.holdings import allocations
from vfio_lm.cloud.model import Inventory, Provider, Tree


class FakeCloud:
    """One host for each list of servers; placement counts what it is asked."""

    def __init__(self, *, servers_on, evacuated=(), sharing=()):
        self.asked = collections.Counter()
        self.held = {}
        self.trees = {}
        self.sharing_providers = frozenset(sharing)
        self.nova = self
        self.placement = Placement(self)
        self._evacuated = frozenset(evacuated)
        for host, servers in servers_on.items():
            for server in servers:
                self.held[server] = {host: {"VCPU": 1}, f"{host}_pf": {scenario.VF: 1}}
                self.held[server] |= {pool: {"DISK_GB": 1} for pool in sharing}
            names = (host, f"{host}_pf", f"{host}_idle")
            self.trees[host] = Tree(
                root_uuid=host,
                providers={
                    name: Provider(
                        uuid=name,
                        name=name,
                        root_uuid=host,
                        parent_uuid=None if name == host else host,
                        inventories={
                            "ANY": Inventory(
                                capacity=99,
                                used=0 if name.endswith("idle") else len(servers),
                            )
                        },
                    )
                    for name in names
                },
            )

    def nodes(self):
        return {host: scenario.node(host) for host in self.trees}

    @property
    def evacuated(self):
        self.asked["evacuations"] += 1
        return self._evacuated


@dataclasses.dataclass
class Placement:
    cloud: FakeCloud

    def allocations(self, server_id):
        self.cloud.asked["server"] += 1
        return self.cloud.held.get(server_id, {})

    def holders(self, uuid):
        self.cloud.asked["provider"] += 1
        held = self.cloud.held.items()
        return {server: found[uuid] for server, found in held if uuid in found}


def server(number, host, **changes):
    known = scenario.facts().server
    return dataclasses.replace(known, id=number, host=host, **changes)


class TestAllocations(testtools.TestCase):
    def servers(self, host, count):
        return [f"{host}-{number}" for number in range(count)]

    def test_a_host_with_many_servers_is_asked_about_by_its_providers_in_use(self):
        on = {"host1": self.servers("host1", 9), "host2": self.servers("host2", 1)}
        cloud = FakeCloud(servers_on=on, sharing={"pool"})
        wanted = [server(each, host) for host, found in on.items() for each in found]
        self.assertEqual(cloud.held, allocations(cloud, wanted))
        # The root, the PF and the pool of host1; the only server of host2.
        self.assertEqual({"provider": 3, "server": 1, "evacuations": 1}, cloud.asked)

    def test_few_servers_are_asked_about_one_by_one(self):
        on = {"host1": self.servers("host1", 3)}
        cloud = FakeCloud(servers_on=on)
        wanted = [server(each, "host1") for each in on["host1"]]
        self.assertEqual(cloud.held, allocations(cloud, wanted))
        self.assertEqual({"server": 3}, cloud.asked)

    def test_a_server_that_may_hold_something_elsewhere_is_asked_about_by_itself(self):
        on = {"host1": self.servers("host1", 9)}
        cloud = FakeCloud(servers_on=on, evacuated=["host1-0"])
        for elsewhere in ("host1-0", "host1-1", "host1-2"):
            cloud.held[elsewhere] = cloud.held[elsewhere] | {"host9": {"VCPU": 1}}
        wanted = [
            server("host1-0", "host1"),
            server("host1-1", "host1", task_state="rebuilding"),
            server("host1-2", "host1", vm_state="resized"),
            *(server(each, "host1") for each in on["host1"][3:]),
        ]
        self.assertEqual(cloud.held, allocations(cloud, wanted))
        self.assertEqual(3, cloud.asked["server"])

    def test_a_server_that_is_not_found_where_it_was_is_asked_about_by_itself(self):
        on = {"host1": self.servers("host1", 9)}
        cloud = FakeCloud(servers_on=on)
        cloud.held["host1-0"] = {"host2": {"VCPU": 1}}
        del cloud.held["host1-1"]
        wanted = [server(each, "host1") for each in on["host1"]]
        self.assertEqual(cloud.held | {"host1-1": {}}, allocations(cloud, wanted))
        self.assertEqual(2, cloud.asked["server"])
