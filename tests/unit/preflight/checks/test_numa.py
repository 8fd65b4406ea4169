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

"""What the check of a NUMA topology answers."""

from __future__ import annotations

import dataclasses

from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.host_scenario import there
from tests.unit.preflight.scenario import vf
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import numa


class TestNuma(CheckTestCase):
    check = numa.numa

    def on_nodes(self, *nodes, policy="required"):
        known = there(*(vf(n + 1, numa_node=node) for n, node in enumerate(nodes)))
        flavor = dataclasses.replace(known.server.flavor, extra_specs={"hw:numa_nodes": "1"})
        alias = dataclasses.replace(known.aliases["vf"], numa_policy=policy)
        return dataclasses.replace(
            known,
            server=dataclasses.replace(known.server, flavor=flavor),
            inputs=dataclasses.replace(known.inputs, aliases={"vf": alias}),
            alias_requests=(scenario.AliasRequest("vf", 2),),
        )

    def test_what_no_node_has_fails_and_the_rest_is_unknown(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.FAIL, self.on_nodes(0, 1), saying="vf")
        self.assert_answers(Status.UNKNOWN, self.on_nodes(0, 0, 1))
        self.assert_answers(Status.UNKNOWN, self.on_nodes(0, None, policy="legacy"))
        self.assert_answers(Status.FAIL, self.on_nodes(0, None))
        self.assert_answers(Status.UNKNOWN, self.on_nodes(0, 1, policy="preferred"))
