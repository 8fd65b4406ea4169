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

"""Checks of server group, zone, aliases' age and candidates, each alone."""

from __future__ import annotations

import dataclasses
import datetime
import json

import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import NOW, destination, facts, node
from vfio_lm.cloud.model import Aggregate, Candidates, ServerGroup
from vfio_lm.pci import Device, DeviceKind, PciAddress, parse_device_specs
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import alias as alias_checks
from vfio_lm.preflight.checks import cloud as cloud_checks
from vfio_lm.preflight.checks import place
from vfio_lm.preflight.facts import Network
from vfio_lm.preflight.rules.port import Port, serves_port


class TestGroup(CheckTestCase):
    check = place.destination_group

    def in_group(self, policy, *members_there, most=1, **changes):
        me = facts().server.id
        group = ServerGroup("g1", "mine", policy, frozenset({me, "a", "b"}), most)
        there = node("compute2", server_ids=frozenset(members_there))
        return facts(group=group, destinations=(destination(node=there, **changes),))

    def test_answers(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.NOT_APPLICABLE, self.in_group("soft-affinity"))
        self.assert_answers(Status.PASS, self.in_group("anti-affinity", "stranger"))
        self.assert_answers(Status.FAIL, self.in_group("anti-affinity", "a"), saying="(a)")
        self.assert_answers(Status.PASS, self.in_group("anti-affinity", "a", most=2))
        self.assert_answers(Status.FAIL, self.in_group("anti-affinity", "a", "b", most=2))
        self.assert_answers(Status.PASS, self.in_group("affinity", "a"))
        self.assert_answers(Status.FAIL, self.in_group("affinity", "stranger"))

    def test_a_member_that_has_just_left_may_still_count(self):
        def left(*servers, **group):
            gone = {"compute2": frozenset(servers)}
            return dataclasses.replace(self.in_group("anti-affinity", **group), departures=gone)

        self.assert_answers(Status.UNKNOWN, left("a"), saying="a of group mine")
        self.assert_answers(Status.PASS, left("stranger"))
        self.assert_answers(Status.PASS, left("a", most=2))
        self.assert_answers(Status.UNKNOWN, left("a", "b", most=2))

    def test_servers_that_are_not_told_are_unknown(self):
        known = self.in_group("affinity")
        where = destination(node=node("compute2"))
        self.assert_answers(Status.UNKNOWN, dataclasses.replace(known, destinations=(where,)))


class TestZone(CheckTestCase):
    check = place.destination_zone

    def pinned(self, *aggregates):
        return facts(server={"pinned_availability_zone": "az1"}, aggregates=aggregates)

    def zone(self, *hosts, name="az1"):
        return Aggregate(name, f"uuid-{name}", frozenset(hosts), {"availability_zone": name})

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.PASS, self.pinned(self.zone("compute1", "compute2")))
        outcome = self.assert_answers(Status.FAIL, self.pinned(self.zone("compute1")))
        self.assertIn("openstack aggregate add host az1 compute2", outcome.remedy)

    def test_a_zone_that_no_aggregate_makes_limits_nobody(self):
        self.assert_answers(Status.PASS, self.pinned(self.zone("compute1", name="az2")))

    def test_an_isolated_aggregate_may_keep_the_server_out(self):
        isolated = Aggregate("gpu", "u", frozenset({"compute2"}), {"trait:CUSTOM_GPU": "required"})
        self.assert_answers(Status.UNKNOWN, facts(aggregates=(isolated,)), saying="CUSTOM_GPU")
        asking = facts(aggregates=(isolated,), image_properties={"trait:CUSTOM_GPU": "required"})
        self.assert_answers(Status.PASS, asking)


class TestAliasChanged(CheckTestCase):
    check = alias_checks.alias_changed_since_boot

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.WARN, facts(aliases_changed_at=NOW))
        self.assert_answers(Status.UNKNOWN, facts(aliases_changed_at=None))
        self.assert_answers(Status.NOT_APPLICABLE, facts(aliases=None))
        self.assertFalse(self.check.is_decisive)


class TestCandidateCost(CheckTestCase):
    check = cloud_checks.candidate_cost

    def test_answers(self):
        self.assert_answers(Status.PASS)
        known = facts()
        cut = Candidates(known.candidates.candidates, limit=1)
        self.assert_answers(Status.WARN, dataclasses.replace(known, candidates=cut))
        self.assert_answers(Status.WARN, facts(candidates_seconds=12.5), saying="12.5 s")


class TestCandidatePrecision(CheckTestCase):
    check = cloud_checks.candidate_precision

    def test_answers(self):
        self.assert_answers(Status.PASS)
        unfit = scenario.pci_provider("compute2", 0, scenario.UNMARKED)
        known = facts(destinations=(destination(providers=[unfit]),))
        self.assert_answers(Status.WARN, known, saying="compute2")
        self.assert_answers(Status.NOT_APPLICABLE, facts(pci_in_placement=False))


class TestPciInPlacementOfPorts(CheckTestCase):
    check = cloud_checks.pci_in_placement

    def test_devices_of_ports_are_never_in_placement(self):
        known = facts(network=Network(ports=(Port("p1", "direct"),)))
        self.assert_answers(Status.UNKNOWN, known, saying="devices of ports")


class TestServesPort(testtools.TestCase):
    def serves(self, vnic_type, kind, tags, **asked):
        (spec,) = parse_device_specs([json.dumps(tags)])
        device = Device(PciAddress(0, 0x81, 0, 1), "8086", "1515", kind)
        return serves_port(Port("p1", vnic_type, **asked), device, spec)

    def test_network_kind_and_trust_have_to_be_right(self):
        vf, pf = DeviceKind.VF, DeviceKind.PF
        tags = {"physical_network": "Physnet1", "trusted": "true"}
        on = {"physical_network": "physnet1"}
        self.assertTrue(self.serves("direct", vf, tags, **on))
        self.assertFalse(self.serves("direct", vf, tags, physical_network="physnet2"))
        self.assertFalse(self.serves("direct", vf, tags))
        self.assertFalse(self.serves("direct", pf, tags, **on))
        self.assertTrue(self.serves("direct-physical", pf, tags, **on))
        self.assertFalse(self.serves("direct-physical", vf, tags, **on))
        self.assertTrue(self.serves("direct", vf, tags, trusted=True, **on))
        self.assertFalse(self.serves("direct", vf, tags, trusted=False, **on))
        self.assertTrue(self.serves("direct", vf, {}))
        self.assertFalse(self.serves("direct", vf, tags | {"remote_managed": "true"}, **on))


class TestAgeOfFacts(testtools.TestCase):
    def test_a_clock_that_runs_ahead_a_little_is_believed(self):
        told = scenario.knowledge("compute2", taken_at=NOW + datetime.timedelta(seconds=50))
        inputs = facts(hosts={"compute2": told}).inputs
        self.assertIs(None, inputs.disbelief("compute2"))
        self.assertEqual(datetime.timedelta(), inputs.age(told.facts))
