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

"""What a host's facts show of its devices, or what is missing to see them."""

from __future__ import annotations

import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.host_scenario import OTHER, there
from tests.unit.preflight.scenario import destination, facts, vf
from vfio_lm.cloud.model import Marking, Move, Network, Port
from vfio_lm.pci.assignment import Fit
from vfio_lm.preflight.facts import Occupants
from vfio_lm.preflight.rules.free_devices import devices_on_the_host, host_view


def view_of(known):
    return host_view(known, known.destinations[0])


class TestHostView(testtools.TestCase):
    def reasons(self, known):
        view = view_of(known)
        self.assertEqual((not view.gaps, ()), (view.is_known, view.devices if view.gaps else ()))
        self.assertTrue(all(gap.settled_by for gap in view.gaps))
        return [gap.reason for gap in view.gaps]

    def test_what_may_be_given_is_what_fits(self):
        view = view_of(there(vf(1), vf(2, product_id="1520")))
        self.assertEqual({vf(1).address}, view.fitting)
        self.assertIs(Fit.YES, view.fit)

    def test_each_thing_that_is_missing_is_named(self):
        nothing = facts(
            destinations=(destination(),), source={"devices": ()}, pci_in_placement=False
        )
        conf, told = self.reasons(nothing)
        self.assertIn("the nova.conf of nova-compute on compute2", conf)
        self.assertIn("the facts of host compute2", told)
        (alias,) = self.reasons(_with(there(vf()), aliases={}))
        self.assertIn("what alias vf means", alias)

    def test_ports_by_rules_that_are_not_looked_into_are_gaps(self):
        for port in (Port("p1", "vdpa"), Port("p1", "direct", is_bound=False)):
            (reason,) = self.reasons(_with(there(vf()), network=Network(ports=(port,))))
            self.assertIn("port p1", reason)

    def test_devices_that_could_not_be_read_are_a_gap(self):
        (reason,) = self.reasons(there(vf(), unreadable={"0000:81:00.2": "it has vanished"}))
        self.assertIn("do not show every device: 0000:81:00.2: it has vanished", reason)

    def test_devices_of_a_server_that_the_facts_do_not_show(self):
        (reason,) = self.reasons(there(vf(), occupants=Occupants({OTHER: 2})))
        self.assertIn(f"0 of the 2 devices of server {OTHER}", reason)
        self.assertEqual([], self.reasons(there(vf(), occupants=Occupants({OTHER: 0}))))

    def test_a_move_that_is_not_over_may_hold_devices(self):
        for status, way_out in (("finished", "resize confirm"), ("migrating", "migration list")):
            move = Move(OTHER, "resize", status, "compute2", "compute3")
            (gap,) = view_of(there(vf(), occupants=Occupants({}, (move,)))).gaps
            self.assertIn(way_out, gap.settled_by)

    def test_the_view_of_a_destination_is_made_once_in_a_row(self):
        known = there(vf())
        self.assertIs(view_of(known), view_of(known))


class TestDevicesOnTheHost(testtools.TestCase):
    def test_vfs_are_counted_by_their_pf_and_their_declaration(self):
        no_tag = scenario.SPEC_UNTAGGED | {"product_id": "1520"}
        known = there(vf(1), vf(2), vf(3, user=OTHER), specs=[scenario.SPEC_YES, no_tag])
        (found,) = devices_on_the_host(known, known.destinations[0])
        self.assertEqual(
            (None, "0000:81:00.0", scenario.VF, 2, 3, Marking.MARKED),
            (
                found.provider,
                found.address,
                found.resource_class,
                found.free,
                found.total,
                found.live_migratable,
            ),
        )

    def test_a_host_that_is_not_known_shows_none(self):
        known = facts(pci_in_placement=False)
        self.assertEqual((), devices_on_the_host(known, known.destinations[0]))


def _with(known, **changes):
    """The same facts with other inputs or fields."""
    aliases = changes.pop("aliases", known.aliases)
    return facts(
        destinations=known.destinations,
        source={"devices": (), "knowledge": known.source.knowledge},
        pci_in_placement=False,
        hosts=known.inputs.hosts,
        aliases=aliases,
        **changes,
    )
