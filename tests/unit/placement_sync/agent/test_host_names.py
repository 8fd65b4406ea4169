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
"""Root providers are found by what placement and nova say; both are doubles here."""

import testtools

from placement_sync.agent.host_names import HostNames, told_apart
from vfio_lm.cloud.model import ComputeNode, Provider
from vfio_lm.errors import CloudError, ForbiddenError, NotFoundError
from vfio_lm.pci.hosts import Host


class Placement:
    def __init__(self, *names):
        self.names = set(names)
        self.requests = 0

    def providers(self):
        self.requests += 1
        return {name: self._provider(name) for name in self.names}

    def find_provider(self, *, name):
        self.requests += 1
        if name not in self.names:
            raise NotFoundError(name)
        return self._provider(name)

    def _provider(self, name):
        return Provider(f"uuid-{name}", name, f"uuid-{name}", None, frozenset(), {})


class Nova:
    def __init__(self, **nodes):
        self.known = nodes
        self.error = None
        self.requests = 0

    def nodes(self):
        self.requests += 1
        if self.error is not None:
            raise self.error
        return {
            host: ComputeNode(host, f"uuid-{name}", name, "QEMU", 8002002)
            for host, name in self.known.items()
        }


class TestHostNames(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.now = 0.0

    def names(self, placement, nova):
        self.placement, self.nova = placement, nova
        return HostNames(placement, nova, lambda: self.now)

    def resolve(self, names, *hosts):
        return [host.hypervisor_hostname for host in names.resolve([Host(*h) for h in hosts])]

    def test_a_name_that_placement_has_is_right_and_asked_for_once(self):
        names = self.names(Placement("c1.example"), Nova(c1="other"))
        for _ in range(3):
            self.assertEqual(["c1.example"], self.resolve(names, ("c1", "c1.example")))
        self.assertEqual((1, 0), (self.placement.requests > 0, self.nova.requests))
        before = self.placement.requests
        self.resolve(names, ("c1", "c1.example"))
        self.assertEqual(before, self.placement.requests)

    def test_nova_knows_the_name_of_a_host_that_placement_does_not(self):
        names = self.names(Placement("c1.example"), Nova(c1="c1.example"))
        self.assertEqual(["c1.example"], self.resolve(names, ("c1", "container")))
        self.assertEqual(["c1.example"], self.resolve(names, ("c1", "container")))
        self.assertEqual(1, self.nova.requests)

    def test_files_of_a_folder_named_after_the_host_in_nova(self):
        names = self.names(
            Placement("c1.example", "c2.example", "c2.example_0000:81:00.0"),
            Nova(c1="c1.example", c2="c2.example"),
        )
        hosts = [("c1", "c1"), ("c2", "c2.example"), ("c3", "c3")]
        self.assertEqual(["c1.example", "c2.example", "c3"], self.resolve(names, *hosts))

    def test_where_nova_may_not_be_asked_the_host_s_own_name_will_do(self):
        for error in (ForbiddenError("admin"), CloudError("nova is down")):
            names = self.names(Placement("c1"), Nova())
            self.nova.error = error
            self.assertEqual(["c1"], self.resolve(names, ("c1", "container")))

    def test_a_host_that_is_nowhere_keeps_its_name_and_nova_is_not_asked_each_time(self):
        names = self.names(Placement(), Nova(c2="c2.example"))
        for _ in range(5):
            self.assertEqual(["c1.example"], self.resolve(names, ("c1", "c1.example")))
        self.assertEqual(1, self.nova.requests)
        self.nova.known["c1"] = "c1.other"
        self.now = 601
        self.assertEqual(["c1.other"], self.resolve(names, ("c1", "c1.example")))

    def test_a_new_host_is_asked_for_at_once(self):
        names = self.names(Placement(), Nova())
        self.resolve(names, ("c1", "c1"), ("c2", "c2"))
        self.nova.known["c3"] = "c3.example"
        self.assertEqual(["c1", "c3.example"], self.resolve(names, ("c1", "c1"), ("c3", "c3")))

    def test_a_host_that_was_renamed_is_looked_for_again(self):
        names = self.names(Placement("old"), Nova())
        self.assertEqual(["old"], self.resolve(names, ("c1", "old")))
        self.placement.names = {"new"}
        self.nova.known["c1"] = "new"
        self.assertEqual(["old"], self.resolve(names, ("c1", "old")))
        names.forget({"old"})
        self.assertEqual(["new"], self.resolve(names, ("c1", "old")))

    def test_hosts_that_lead_to_one_provider_are_left_alone(self):
        found = told_apart([Host("c1", "node"), Host("c2", "c2"), Host("c3", "node")])
        self.assertEqual(["c2"], [host.name for host in found.hosts])
        (error,) = map(str, found.errors)
        self.assertIn("hosts c1 and c3: have one root provider, node, and are left alone", error)

    def test_no_host_needs_no_question(self):
        self.assertEqual([], self.resolve(self.names(Placement(), Nova())))
        self.assertEqual(0, self.placement.requests)
