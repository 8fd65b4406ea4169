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

"""Answers that several checks share."""

from __future__ import annotations

import testtools

from tests.unit.preflight.scenario import NO_DEVICES, SPEC_YES, conf, facts, knowledge, vf
from vfio_lm.cloud.model import Network, Port
from vfio_lm.preflight import Host, Status
from vfio_lm.preflight.wording import shared_answers


class TestNotApplicable(testtools.TestCase):
    def test_devices_of_an_alias_are_asked_about(self):
        self.assertIs(None, shared_answers.no_alias_devices(facts()))
        self.assertIs(None, shared_answers.no_devices(facts()))

    def test_without_devices_the_question_does_not_arise(self):
        for answer in (shared_answers.no_alias_devices, shared_answers.no_devices):
            self.assertIs(Status.NOT_APPLICABLE, answer(facts(**NO_DEVICES)).status)

    def test_the_device_of_a_port_is_none_of_an_alias(self):
        known = facts(**NO_DEVICES, network=Network(ports=(Port("p1", "direct"),)))
        self.assertIs(None, shared_answers.no_devices(known))
        self.assertIs(Status.NOT_APPLICABLE, shared_answers.no_alias_devices(known).status)


class TestNotDeclared(testtools.TestCase):
    def test_the_next_thing_that_is_missing_is_named(self):
        for known, said in (
            (Host(), "this nova-compute (before 34.0.0)"),
            (Host(conf=conf(SPEC_YES)), "without the facts of the host"),
            (knowledge("compute2", vf()), "do not say the same"),
        ):
            self.assertIn(said, shared_answers.not_declared(known))


class TestAsItWasMade(testtools.TestCase):
    def test_there_are_two_ways(self):
        said = shared_answers.as_it_was_made("s1")
        self.assertIn("\n  --nova-conf FILE", said)
        self.assertIn("\nor resize the server", said)
        self.assertIn("openstack server resize confirm s1", said)
