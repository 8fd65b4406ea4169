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

"""Which histories may leave nova with another request than the server shows."""

from __future__ import annotations

import datetime

import testtools

from tests.unit.preflight.scenario import NO_DEVICES, NOW, facts
from vfio_lm.cloud.model import Network, Port, ServerHistory
from vfio_lm.preflight.rules.request_drift import drifts


class TestDrifts(testtools.TestCase):
    def found(self, **changes):
        return "; ".join(drifts(facts(**changes)))

    def test_a_server_without_a_history_has_none(self):
        self.assertEqual("", self.found())

    def test_a_resize_that_was_not_confirmed(self):
        past = ServerHistory(has_resize_given_up=True)
        self.assertIn("last resize", self.found(history=past))

    def test_a_port_that_was_removed_may_have_had_a_device(self):
        past = ServerHistory(has_port_removed=True)
        self.assertIn("nova still asks for it", self.found(history=past))

    def test_a_port_that_was_added_matters_if_any_has_a_device(self):
        past = ServerHistory(has_port_added=True)
        self.assertEqual("", self.found(history=past))
        with_port = Network(ports=(Port("p1", "direct"),))
        self.assertIn("nova does not ask for it", self.found(history=past, network=with_port))
        self.assertIn("nova does not ask", self.found(history=past, network=Network(ports=None)))

    def test_placement_that_was_switched_off_after_boot(self):
        self.assertEqual("", self.found(pci_in_placement=True, aliases_changed_at=NOW))
        for changed in (NOW, None):
            found = self.found(pci_in_placement=False, aliases_changed_at=changed)
            self.assertIn("of this very host", found)

    def test_placement_that_was_off_when_the_server_was_made(self):
        older = NOW - datetime.timedelta(days=2)
        self.assertEqual("", self.found(pci_in_placement=False, aliases_changed_at=older))
        self.assertEqual(
            "", self.found(pci_in_placement=False, aliases_changed_at=NOW, **NO_DEVICES)
        )
