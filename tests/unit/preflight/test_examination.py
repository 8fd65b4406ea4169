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

"""Servers share what is answered about a destination, and only where it is the same for both."""

from __future__ import annotations

import itertools
from typing import Any

import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import VF, destination, facts, node, pci_provider
from vfio_lm.cloud.model import Aggregate, Candidate, Candidates, Flavor, Provider, ServerGroup
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight.check import Check, Refuser, Scope, passed
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.facts import Network, SourceDevice
from vfio_lm.preflight.memo import Memo
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.preflight.rules.port import Port

_ZONES = (
    Aggregate("first", "a1", frozenset({"compute2"}), {"availability_zone": "az1"}),
    Aggregate("second", "a2", frozenset({"compute3"}), {"availability_zone": "az2"}),
    Aggregate("special", "a3", frozenset({"compute3"}), {"trait:CUSTOM_X": "required"}),
)
_GROUP = ServerGroup("g", "group", "anti-affinity", frozenset({"s1", "s2"}), 1)
_TOLD = scenario.knowledge("compute1", scenario.vf(user="s1"))


def _flavor(**extra_specs: str) -> Flavor:
    specs = {key.replace("__", ":"): value for key, value in extra_specs.items()}
    return Flavor(name="f", vcpus=1, ram_mib=512, disk_gib=1, extra_specs=specs)


#: Each is another server; all may go to the same hosts.
SERVERS: tuple[dict[str, Any], ...] = (
    {},
    {"server": {"id": "s1", "host": "compute9"}},
    {"server": {"id": "s2", "pinned_availability_zone": "az1"}},
    {"server": {"pinned_availability_zone": "az2"}},
    {"server": {"flavor": _flavor(trait__CUSTOM_X="required")}},
    {"server": {"flavor": _flavor(hw__numa_nodes="1")}},
    {"image_properties": {"trait:CUSTOM_X": "required"}},
    {"group": _GROUP},
    {"group": _GROUP, "server": {"id": "s1"}},
    {"alias_requests": ()},
    {"devices": 2},
    {"devices": 3},
    {"pci_in_placement": None},
    {"pci_in_placement": False},
    {"pci_in_placement": False, "hosts": {"compute1": _TOLD}},
    {"aliases": {"vf": scenario.alias(LiveMigratable.NO)}},
    {"source": {"node": node("compute1", hypervisor_version=9_000_000)}},
    {"source": {"node": None}},
    {"source": {"traits": frozenset({"CUSTOM_VFIO_MLX5_VFIO_PCI"})}},
    {"source": {"traits": frozenset({"COMPUTE_IMAGE_TYPE_PLOOP"})}},
    {"source": {"devices": (SourceDevice(pci_provider("compute1", 0), {VF: 3}),)}},
    {
        "source": {"node": node("compute1", hypervisor_version=9_000_000)},
        "skips_version_check": True,
    },
    {"network": Network(ports=(Port("p", "direct", True, "physnet1", None),))},
    {"candidates": Candidates((), limit=0)},
    {"requested_host": "compute2", "server": {"host": "compute2"}},
)


def _offer(provider: Provider) -> Candidate:
    return scenario.candidate(provider.root_uuid, provider)


def destinations():
    one_device = [pci_provider("compute3", 0, free=1)]
    servers = frozenset({"s2"})
    unmarked = pci_provider("compute5", 0, scenario.UNMARKED)
    return (
        destination(node=node("compute2", server_ids=servers)),
        destination("compute3", one_device, (), node=node("compute3", server_ids=frozenset())),
        destination("compute4", [pci_provider("compute4", 0, scenario.UNMARKED)]),
        # Placement offers the wrong one of its PFs.
        destination("compute5", [unmarked, pci_provider("compute5", 1)], [_offer(unmarked)]),
        destination("compute6", [], []),
    )


class TestSharing(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.checks = installed_checks()

    def report(self, there, changes, memo):
        known = facts(destinations=there, aggregates=_ZONES, memo=memo, **changes)
        return examine(known, self.checks)

    def test_an_answer_is_never_that_of_a_server_for_which_it_is_another(self):
        alone = [self.report(destinations(), each, Memo()).to_dict() for each in SERVERS]
        for first, second in itertools.permutations(range(len(SERVERS)), 2):
            there, memo = destinations(), Memo()
            self.report(there, SERVERS[first], memo)
            found = self.report(there, SERVERS[second], memo)
            self.assertEqual(alone[second], found.to_dict(), (SERVERS[first], SERVERS[second]))

    def ask_two(self, memos=None, **fields):
        asked = []

        def ask(known, where):
            asked.append(known.server.id)
            return passed("fine")

        check = Check("a-check", Scope.DESTINATION, "?", Refuser.NOWHERE, ask, **fields)
        there = (destination(),)
        for server_id, memo in zip(("s1", "s2"), memos or [Memo()] * 2, strict=True):
            examine(facts(destinations=there, server={"id": server_id}, memo=memo), [check])
        return asked

    def test_a_check_that_says_nothing_of_it_is_asked_for_each_server(self):
        self.assertEqual(["s1", "s2"], self.ask_two())
        self.assertEqual(["s1", "s2"], self.ask_two(depends_on=lambda known: None))
        self.assertEqual(["s1", "s2"], self.ask_two(depends_on=lambda known: known.server.id))
        self.assertEqual(["s1", "s2"], self.ask_two(depends_on=lambda known: 1 / 0))

    def test_a_check_that_depends_on_nothing_of_the_server_is_asked_once(self):
        self.assertEqual(["s1"], self.ask_two(depends_on=lambda known: True))

    def test_two_surveys_share_nothing(self):
        asked = self.ask_two([Memo(), Memo()], depends_on=lambda known: True)
        self.assertEqual(["s1", "s2"], asked)
