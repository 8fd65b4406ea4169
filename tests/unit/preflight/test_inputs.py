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

"""How far what is said of hosts is believed."""

from __future__ import annotations

import datetime

import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import NOW, conf, facts, vf
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.preflight import Host, Inputs


class TestBelief(testtools.TestCase):
    def test_a_clock_that_runs_ahead_a_little_is_believed(self):
        told = scenario.knowledge("compute2", taken_at=NOW + datetime.timedelta(seconds=50))
        inputs = facts(hosts={"compute2": told}).inputs
        self.assertIs(None, inputs.disbelief("compute2"))
        self.assertEqual(datetime.timedelta(), inputs.age(told.facts))

    def test_facts_of_another_host(self):
        told = Host(conf=conf(scenario.SPEC_YES), facts=HostFacts("compute9", NOW, (vf(),)))
        inputs = Inputs(now=NOW, hosts={"compute2": told})
        self.assertIn("those of host 'compute9'", str(inputs.disbelief("compute2")))
        self.assertIs(None, inputs.facts_of("compute2"))
