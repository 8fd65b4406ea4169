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

"""Every device gets one that fits if that is possible, and what was together stays together."""

import itertools

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.compute.libvirt.devices import ALL_FLAGS, IN_USE, device
from vfio_lm.compute.libvirt.device_match import Match, NoMatch, match
from vfio_lm.compute.libvirt.match_rules import refusal
from vfio_lm.pci.migratability import MigrationFlags


def texts(result):
    return [f"{source}={destination}" for source, destination in result.pairs]


class TestMatch(testtools.TestCase):
    def test_the_first_free_device_is_taken(self):
        offered = [
            device("0000:82:00.3"),
            device("0000:82:00.2"),
            device("0000:82:00.1", user=IN_USE),
        ]
        self.assertEqual(
            ["0000:81:00.1=0000:82:00.2"], texts(match([device("0000:81:00.1")], offered))
        )

    def test_a_server_without_devices_needs_none(self):
        self.assertEqual(Match(()), match([], []))

    def test_a_device_that_only_one_fits_gets_it(self):
        # Taken one by one, the first source would take what the second needs.
        sources = [device("0000:81:00.1"), device("0000:81:00.2", firmware="2")]
        offered = [device("0000:82:00.1", firmware=None), device("0000:82:00.2")]
        self.assertEqual(
            ["0000:81:00.1=0000:82:00.2", "0000:81:00.2=0000:82:00.1"],
            texts(match(sources, offered)),
        )

    def test_devices_of_one_numa_node_stay_together(self):
        sources = [device("0000:81:00.1", node=1), device("0000:81:00.2", node=1)]
        offered = [
            device("0000:0a:00.1", node=0),
            device("0000:c1:00.1", node=1),
            device("0000:c2:00.1", node=1),
        ]
        result = match(sources, offered)
        self.assertEqual(["0000:c1:00.1", "0000:c2:00.1"], [str(pair[1]) for pair in result.pairs])
        self.assertEqual((0, 1), (result.split_nodes, result.changed_pfs))

    def test_devices_of_different_pfs_go_to_different_pfs(self):
        # A bond of two ports is to survive the loss of one.
        sources = [device("0000:81:00.1"), device("0000:82:00.1")]
        offered = [device("0000:0a:00.1"), device("0000:0a:00.2"), device("0000:0b:00.1")]
        result = match(sources, offered)
        self.assertEqual(["0000:81:00.1=0000:0a:00.1", "0000:82:00.1=0000:0b:00.1"], texts(result))
        self.assertEqual(0, result.changed_pfs)

    def test_too_few_are_told_with_those_that_compete(self):
        sources = [
            device("0000:81:00.1"),
            device("0000:81:00.2"),
            device("0000:91:00.1", product_id="101c"),
        ]
        offered = [device("0000:82:00.1"), device("0000:92:00.1", product_id="101c")]
        result = match(sources, offered)
        self.assertEqual(
            ["0000:81:00.1", "0000:81:00.2"], [str(address) for address in result.contested]
        )
        self.assertFalse(result.is_unknown)

    def test_facts_that_lack_what_decides_are_unknown(self):
        offered = [device("0000:82:00.1", unknown={"user": "not root"})]
        result = match([device("0000:81:00.1")], offered)
        self.assertTrue(result.is_unknown)
        ((why, addresses),) = result.candidates[0].refused.items()
        self.assertEqual("it is unknown who uses it: not root", why.reason)
        self.assertEqual([offered[0].address], list(addresses))

    def test_what_is_unknown_does_not_hide_that_none_fits(self):
        offered = [device("0000:82:00.1", unknown={"user": "not root"})]
        sources = [device("0000:81:00.1"), device("0000:81:00.2")]
        self.assertFalse(match(sources, offered).is_unknown)

    def test_devices_that_the_facts_may_lack_are_unknown(self):
        result = match([device("0000:81:00.1")], [], missing="0000:82:00.1: it has vanished")
        self.assertTrue(result.is_unknown)

    def test_eight_devices_of_eight_pfs_are_chosen_though_seven_pfs_are_left(self):
        sources = [device(f"0000:8{n}:00.1", node=n % 2) for n in range(8)]
        offered = [device(f"0000:0{n}:00.{f}", node=n % 2) for n in range(7) for f in range(1, 7)]
        result = match(sources, offered)
        self.assertEqual(8, len({destination for _, destination in result.pairs}))
        self.assertEqual((0, 1), (result.split_nodes, result.changed_pfs))


_PFS = [(bus, bus % 2) for bus in range(4)]


@st.composite
def _devices(draw, host, most):
    """Devices of a few PFs that differ in what matters, at distinct addresses."""
    found = []
    for number in range(draw(st.integers(0, most))):
        bus, node = draw(st.sampled_from(_PFS))
        found.append(
            device(
                f"{host:04x}:{bus:02x}:{number + 1:02x}.1",
                pf=f"{host:04x}:{bus:02x}:00.0",
                node=draw(st.sampled_from([node, None])),
                product_id=draw(st.sampled_from(["101e", "101e", "101c"])),
                firmware=draw(st.sampled_from(["1", "2", None])),
                migration=draw(st.sampled_from([ALL_FLAGS, MigrationFlags(True), None])),
                user=draw(st.sampled_from([None, None, None, IN_USE])) if host else None,
            )
        )
    return found


_SOURCES, _DESTINATIONS = _devices(0, 4), _devices(1, 6)


def _cost(pairs):
    nodes = pfs = 0
    for (source, first), (other, second) in itertools.combinations(pairs, 2):
        if source.numa_node is not None and source.numa_node == other.numa_node:
            nodes += first.numa_node != second.numa_node
        is_one = source.parent_address == other.parent_address
        pfs += is_one != (first.parent_address == second.parent_address)
    return nodes, pfs


def _best_by_trying_all(sources, destinations):
    costs = [
        _cost(list(zip(sources, chosen, strict=True)))
        for chosen in itertools.permutations(destinations, len(sources))
        if all(map(lambda *pair: refusal(*pair) is None, sources, chosen))
    ]
    return min(costs, default=None)


class TestProperties(testtools.TestCase):
    @given(_SOURCES, _DESTINATIONS)
    def test_as_good_as_the_best_of_all_choices(self, sources, destinations):
        result = match(sources, destinations)
        best = _best_by_trying_all(sources, destinations)
        if isinstance(result, NoMatch):
            self.assertIsNone(best)
        else:
            self.assertEqual(best, (result.split_nodes, result.changed_pfs))

    @given(_SOURCES, _DESTINATIONS)
    def test_every_pair_fits_and_no_device_is_given_twice(self, sources, destinations):
        result = match(sources, destinations)
        if isinstance(result, Match):
            by_address = {each.address: each for each in [*sources, *destinations]}
            self.assertEqual(
                sorted(each.address for each in sources), [source for source, _ in result.pairs]
            )
            self.assertEqual(len(sources), len({destination for _, destination in result.pairs}))
            for source, destination in result.pairs:
                self.assertIsNone(refusal(by_address[source], by_address[destination]))

    @given(_SOURCES, _DESTINATIONS, st.data())
    def test_the_order_of_the_devices_makes_no_difference(self, sources, destinations, data):
        self.assertEqual(
            match(sources, destinations),
            match(data.draw(st.permutations(sources)), data.draw(st.permutations(destinations))),
        )

    @given(_SOURCES, _DESTINATIONS)
    def test_contested_devices_have_too_few_that_fit(self, sources, destinations):
        result = match(sources, destinations)
        if isinstance(result, NoMatch):
            rivals = [each for each in result.candidates if each.source in result.contested]
            fitting = {address for each in rivals for address in each.fitting}
            self.assertLess(len(fitting), len(rivals))
