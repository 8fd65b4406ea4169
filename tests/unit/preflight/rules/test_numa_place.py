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

"""Whether a server with one NUMA node and its devices find a place, or why that is not known."""

from __future__ import annotations

import dataclasses
import json
import uuid

import hypothesis
import testtools
from hypothesis import strategies as st
from nova import objects
from nova.virt import hardware

from tests.unit.nova_rules import configured, on_host
from tests.unit.preflight import scenario
from tests.unit.preflight.host_scenario import OTHER, SERVER, here, there
from tests.unit.preflight.rules.test_node_fit import novas_host, novas_request
from tests.unit.preflight.rules.test_tracked_devices import nova_pools
from tests.unit.preflight.scenario import vf
from vfio_lm.cloud.model import (
    Flavor,
    GuestNode,
    Move,
    Network,
    Server,
    ServerHistory,
    ServerTopology,
)
from vfio_lm.pci.assignment import Fit
from vfio_lm.pci.compute_options import ComputeOptions
from vfio_lm.pci.numa_node import NumaNode, PagePool
from vfio_lm.preflight.facts import Neighbour, Neighbourhood
from vfio_lm.preflight.rules.node_request import NodeRequest
from vfio_lm.preflight.rules.numa_place import find_place

_PAGES = (PagePool(4, 1024 * 256), PagePool(2048, 0))
NODES = (
    NumaNode(0, (0, 1), 1024 * 1024, _PAGES),
    NumaNode(1, (2, 3), 1024 * 1024, _PAGES),
)
PINNED = {"hw:cpu_policy": "dedicated"}
OF_SERVER = ServerTopology((GuestNode(frozenset({0, 1}), 512, 0, {0: 0, 1: 1}),))


def neighbour(node=0, pinning=(0, 1), specs=(), properties=(), topology=None):
    """A server with a CPU of its own for each that is given."""
    flavor = Flavor("f", len(pinning), 512, 1, dict(specs))
    given = GuestNode(frozenset(range(len(pinning))), 512, node, dict(enumerate(pinning)))
    properties = None if properties is None else dict(properties)
    server = Server(
        OTHER, "other", "ACTIVE", "active", None, 1, False, "compute2", flavor, properties
    )
    return Neighbour(server, topology or ServerTopology((given,)))


class PlaceTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.policy = "legacy"
        self.options = ComputeOptions()
        self.neighbours = []
        self.around = {}
        self.changes = {}
        self.nodes = NODES
        self.specs = PINNED
        self.in_placement = False
        self.alias = None
        self.count = 1

    def place(self, *device_nodes, **of_device):
        devices = [vf(n + 1, numa_node=node, **of_device) for n, node in enumerate(device_nodes)]
        known = there(*devices, numa_nodes=self.nodes)
        (destination,) = known.destinations
        alias = dataclasses.replace(known.aliases["vf"], numa_policy=self.policy)
        conf = dataclasses.replace(
            destination.knowledge.conf, compute=self.options, aliases={"vf": self.alias or alias}
        )
        knowledge = dataclasses.replace(destination.knowledge, conf=conf)
        destination = dataclasses.replace(
            destination,
            knowledge=knowledge,
            neighbourhood=Neighbourhood(tuple(self.neighbours), **self.around),
        )
        told = {"aliases": {"vf": alias}}
        source = known.source
        if self.in_placement:
            told["pci_in_placement"] = True
            source = dataclasses.replace(source, devices=scenario.facts().source.devices)
        facts = dataclasses.replace(
            known,
            server=dataclasses.replace(known.server, flavor=Flavor("f", 2, 512, 1, self.specs)),
            source=source,
            inputs=dataclasses.replace(
                known.inputs,
                hosts={"compute1": here(vf(user=SERVER)), "compute2": knowledge},
                **told,
            ),
            alias_requests=(scenario.AliasRequest("vf", self.count),),
            image_properties={},
            topology=OF_SERVER,
            destinations=(destination,),
        )
        facts = dataclasses.replace(facts, **self.changes)
        return find_place(facts, destination)


class TestFindPlace(PlaceTestCase):
    def assert_fits(self, fit, *device_nodes, saying="", **of_device):
        place = self.place(*device_nodes, **of_device)
        self.assertIs(fit, place.fit, place)
        self.assertIn(saying, place.reason)

    def test_a_node_with_room_and_a_device_is_a_place(self):
        for self.in_placement in (False, True):
            self.assert_fits(Fit.YES, 1)
            self.neighbours = [neighbour(0)]
            self.assert_fits(Fit.YES, 1)
            self.assert_fits(Fit.NO, 0, saying="no free device is near")
            self.neighbours = []

    def test_without_room_on_any_node_there_is_none(self):
        self.neighbours = [neighbour(0), neighbour(1, (2, 3))]
        self.assert_fits(Fit.NO, 0, 1, saying="2 CPUs of its own with 512 MiB")

    def test_policies_say_how_near_a_device_has_to_be(self):
        self.neighbours = [neighbour(0)]
        for self.in_placement in (False, True):
            for self.policy, of_node, fit in (
                ("legacy", None, Fit.YES),
                ("required", None, Fit.NO),
                ("preferred", 0, Fit.YES),
                ("socket", 1, Fit.UNSURE),
            ):
                with self.subTest(f"{self.policy} {self.in_placement}"):
                    self.assert_fits(fit, of_node)
        self.policy = "required"
        self.specs = PINNED | {"hw:pci_numa_affinity_policy": "preferred"}
        self.assert_fits(Fit.YES, 0)

    def test_with_placement_node_and_device_may_be_chosen_apart(self):
        self.in_placement = True
        self.assert_fits(Fit.UNSURE, 0, 1, saying="a device near another one")
        self.neighbours = [neighbour(0)]
        self.assert_fits(Fit.UNSURE, 0, 1)
        self.in_placement = False
        self.assert_fits(Fit.YES, 0, 1)

    def test_the_claim_that_makes_other_requests_is_not_relied_on(self):
        self.alias = dataclasses.replace(scenario.facts().aliases["vf"], numa_policy="socket")
        self.assert_fits(Fit.UNSURE, 1, saying="alias vf is not the same")
        self.alias = None
        self.changes = {"history": ServerHistory(has_live_migrated=True)}
        self.assert_fits(Fit.UNSURE, 1, saying="claim-requests")

    def test_a_device_of_which_the_node_is_not_known(self):
        self.assert_fits(Fit.UNSURE, None, unknown={"numa_node": "unreadable"})

    def test_servers_that_are_not_understood_make_it_unknown(self):
        for each in (
            neighbour(topology=ServerTopology((GuestNode(frozenset({0}), 1, None, {}),))),
            neighbour(2),
            neighbour(specs={"hw:emulator_threads_policy": "isolate"}),
            neighbour(properties={"hw_cpu_thread_policy": "isolate"}),
            neighbour(specs={"trait:HW_CPU_HYPERTHREADING": "forbidden"}),
            neighbour(properties=None),
            neighbour(0, (2,)),
            neighbour(0, (0,), topology=ServerTopology(OF_SERVER.nodes, 2048)),
            dataclasses.replace(neighbour(), topology=None),
        ):
            with self.subTest(str(each)):
                self.neighbours = [each]
                if each.topology and each.topology.nodes[0].pinning == {0: 2}:
                    self.options = ComputeOptions(dedicated_cpus=frozenset({0, 1, 3}))
                self.assert_fits(Fit.UNSURE, 1)

    def test_what_happens_there_makes_it_unknown(self):
        self.around = {"unlisted": frozenset({OTHER})}
        self.assert_fits(Fit.UNSURE, 1, saying="deleted")
        self.around = {"moves": (Move(OTHER, "resize", "finished", "compute2", "compute3"),)}
        self.assert_fits(Fit.UNSURE, 1, saying="not over")

    def test_what_is_not_followed_makes_it_unknown(self):
        self.options = ComputeOptions(not_followed=("vcpu_pin_set",))
        self.assert_fits(Fit.UNSURE, 1, saying="vcpu_pin_set")

    def test_what_is_missing_makes_it_unknown(self):
        self.nodes = None
        self.assert_fits(Fit.UNSURE, 1, saying="do not show its NUMA nodes")
        self.nodes = NODES
        for changes in (
            {"topology": None},
            {"image_properties": None},
            {"network": Network(ports=None)},
        ):
            self.changes = changes
            self.assert_fits(Fit.UNSURE, 1)
        self.changes = {}
        self.specs = PINNED | {"hw:cpu_realtime": "yes"}
        self.assert_fits(Fit.UNSURE, 1)

    def test_a_server_without_topology_needs_no_place(self):
        self.specs = {}
        self.assert_fits(Fit.YES, 1)


def novas_neighbour(neighbour):
    """What nova stores for a server with CPUs of its own."""
    (node,) = neighbour.topology.nodes
    cell = objects.InstanceNUMACell(
        id=node.host_node,
        cpuset=set(),
        pcpuset=set(node.pinning),
        cpu_pinning=dict(node.pinning),
        memory=node.memory_mib,
        pagesize=None,
        cpu_policy="dedicated",
    )
    return objects.InstanceNUMATopology(cells=[cell])


class NovaClaim:
    """What nova's scheduler and the claim of its nova-compute make of the same host."""

    def __init__(self, neighbours, device_nodes, policy, count):
        self.host = novas_host(NODES, ComputeOptions())
        for each in neighbours:
            self.host = hardware.numa_usage_from_instance_numa(self.host, novas_neighbour(each))
        self.devices = [vf(n + 1, numa_node=node).device for n, node in enumerate(device_nodes)]
        self.requests = [
            objects.InstancePCIRequest(
                count=count,
                spec=[{"vendor_id": "8086", "product_id": "1515"}],
                request_id=str(uuid.UUID(int=1)),
                alias_name="vf",
                numa_policy=policy,
            )
        ]

    def fitted(self, devices):
        """Return the nodes that nova chooses, with only these devices; None: it refuses."""
        pools = nova_pools([_SPEC], devices, set())
        _, wanted = novas_request(NodeRequest(2, 512, True))
        return hardware.numa_fit_instance_to_host(
            self.host, wanted, provider_mapping={}, pci_requests=self.requests, pci_stats=pools
        )

    def endings(self):
        """Yield for each device that placement may choose whether the live migration is accepted.

        The claim fits the node with all devices in sight, and then takes the one of placement.
        """
        for device in self.devices:
            if self.fitted([device]) is not None:
                fitted = self.fitted(self.devices)
                pools = nova_pools([_SPEC], [device], set())
                yield fitted is not None and pools.support_requests(self.requests, {}, fitted.cells)


_SPEC = json.dumps(scenario.SPEC_YES)
_OCCUPIED = st.lists(
    st.sampled_from((neighbour(0), neighbour(1, (2, 3)), neighbour(0, (1,)), neighbour(1, (2,)))),
    max_size=2,
    unique_by=lambda each: each.topology.nodes[0].host_node,
)


class TestAsNova(PlaceTestCase):
    @hypothesis.settings(max_examples=500, deadline=None)
    @hypothesis.given(
        _OCCUPIED,
        st.lists(st.sampled_from((0, 1, None)), max_size=4),
        st.sampled_from(("legacy", "required", "preferred")),
        st.integers(1, 2),
        st.booleans(),
    )
    def test_it_never_says_otherwise_than_nova(self, occupied, nodes, policy, count, in_placement):
        self.neighbours, self.policy = occupied, policy
        self.in_placement, self.count = in_placement, 1 if in_placement else count
        found = self.place(*nodes).fit
        with configured(aliases=[], report_in_placement=False), on_host():
            claim = NovaClaim(occupied, nodes, policy, self.count)
            if in_placement:
                endings = list(claim.endings())
            else:
                endings = [claim.fitted(claim.devices) is not None]
        if found is Fit.YES:
            self.assertTrue(endings and all(endings), (endings, nodes))
        elif found is Fit.NO:
            self.assertFalse(any(endings), (endings, nodes))
