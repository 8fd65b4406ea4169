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

"""What the checks of ports answer."""

from __future__ import annotations

import dataclasses

from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import facts
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import port
from vfio_lm.preflight.facts import Network
from vfio_lm.preflight.rules.port import Port


class TestPortChecks(CheckTestCase):
    check = port.port_binding

    def ports(self, vnic_type="direct", has_port_bindings=True):
        known = Network(ports=(Port("p1", vnic_type),), has_port_bindings=has_port_bindings)
        return facts(network=known)

    def test_answers(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.WARN, self.ports())
        self.assert_answers(Status.FAIL, self.ports(has_port_bindings=False))

    def test_a_port_that_the_guest_loses_is_named(self):
        named = Network(ports=(Port("p1", "direct", name="fast"),), has_port_bindings=True)
        self.assert_answers(
            Status.WARN, facts(network=named, alias_requests=()), saying="fast (p1)"
        )

    def test_a_macvtap_port_stays_with_the_guest(self):
        kept = dataclasses.replace(self.ports("macvtap"), alias_requests=())
        self.assert_answers(Status.PASS, kept)

    def test_devices_of_aliases_beside_a_port_are_lost_to_nova(self):
        both = dataclasses.replace(self.ports(), alias_requests=(scenario.AliasRequest("vf", 1),))
        answer = self.assert_answers(Status.WARN, both, saying="never give back the devices")
        self.assertIn("restart nova-compute on the destination", answer.remedy)
        self.assert_answers(Status.FAIL, self.ports("accelerator-direct"))
        self.assert_answers(Status.UNKNOWN, self.ports("vdpa"))
