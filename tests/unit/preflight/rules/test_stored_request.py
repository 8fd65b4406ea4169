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

"""What shows that the aliases of today are not those that a server was made with."""

from __future__ import annotations

import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import NOW, VF, facts, pci_provider
from vfio_lm.cloud.model import ServerHistory
from vfio_lm.pci import AliasRequest
from vfio_lm.preflight.facts import SourceDevice
from vfio_lm.preflight.rules.stored_request import (
    aliases_are_as_stored,
    contradiction,
    other_class,
)


def _holding(**classes):
    return {"devices": (SourceDevice(pci_provider("compute1", 0), classes),)}


class TestInPlacement(testtools.TestCase):
    def test_devices_of_the_class_that_is_asked_for_contradict_nothing(self):
        self.assertIs(None, contradiction(facts()))

    def test_devices_of_another_class_do(self):
        known = facts(source=_holding(CUSTOM_OTHER=1))
        self.assertIn("CUSTOM_OTHER", contradiction(known))
        self.assertIn(VF, contradiction(known))

    def test_a_wrong_number_has_other_reasons(self):
        self.assertIs(None, contradiction(facts(source=_holding(CUSTOM_OTHER=2))))

    def test_without_all_of_the_aliases_nothing_is_said(self):
        requests = (AliasRequest("vf", 1), AliasRequest("lost", 1))
        known = facts(source=_holding(CUSTOM_OTHER=1), alias_requests=requests)
        self.assertIs(None, contradiction(known))
        self.assertIs(None, other_class(known))


class TestOnTheHost(testtools.TestCase):
    def of_device(self, spec, host="compute1", **device):
        told = scenario.knowledge(host, scenario.vf(user=facts().server.id, **device), specs=[spec])
        return contradiction(
            facts(
                source={"devices": (), "knowledge": told},
                hosts={"compute1": told},
                pci_in_placement=False,
            )
        )

    def test_a_device_that_the_alias_would_get_contradicts_nothing(self):
        self.assertIs(None, self.of_device(scenario.SPEC_YES))

    def test_a_device_that_the_alias_would_not_get_does(self):
        self.assertIn("0000:81:00.1 on compute1", self.of_device(scenario.SPEC_UNTAGGED))

    def test_a_device_of_a_network_is_a_port_of_the_server(self):
        spec = scenario.SPEC_UNTAGGED | {"physical_network": "physnet1"}
        self.assertIs(None, self.of_device(spec))

    def test_facts_of_another_host_prove_nothing(self):
        self.assertIs(None, self.of_device(scenario.SPEC_UNTAGGED, host="compute9"))


class TestAliasesAreAsStored(testtools.TestCase):
    def test_only_files_that_are_older_than_the_server_prove_it(self):
        self.assertTrue(aliases_are_as_stored(facts()))
        self.assertFalse(aliases_are_as_stored(facts(aliases_changed_at=NOW)))
        self.assertFalse(aliases_are_as_stored(facts(aliases_changed_at=None)))
        self.assertFalse(aliases_are_as_stored(facts(aliases=None)))
        past = ServerHistory(has_resize_given_up=True)
        self.assertFalse(aliases_are_as_stored(facts(history=past)))
