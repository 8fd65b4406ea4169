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

"""What the checks of aliases answer, and that they do not guess."""

from __future__ import annotations

import dataclasses

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    NO_DEVICES,
    NOW,
    alias,
    facts,
    pci_provider,
)
from vfio_lm.pci import (
    AliasRequest,
    LiveMigratable,
)
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import alias as alias_checks
from vfio_lm.preflight.facts import SourceDevice


class TestAliasDefined(CheckTestCase):
    check = alias_checks.alias_defined

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.UNKNOWN, facts(aliases=None))
        self.assert_answers(Status.WARN, facts(aliases={}), saying="alias vf is not in")
        self.assert_answers(Status.NOT_APPLICABLE, facts(**NO_DEVICES))


class TestAliasLiveMigratable(CheckTestCase):
    check = alias_checks.alias_live_migratable

    def test_only_an_explicit_yes_passes(self):
        self.assert_answers(Status.PASS)
        for value in (LiveMigratable.NO, LiveMigratable.UNSPECIFIED):
            self.assert_answers(
                Status.FAIL, facts(aliases={"vf": alias(value)}), saying=f"vf ({value.value})"
            )

    def test_an_unknown_alias_is_never_guessed(self):
        self.assert_answers(Status.UNKNOWN, facts(aliases=None))
        self.assert_answers(Status.UNKNOWN, facts(aliases={}), saying="alias vf")

    def test_devices_of_another_alias_prove_neither_yes_nor_no(self):
        other = {"devices": (SourceDevice(pci_provider("compute1", 0), {"CUSTOM_OTHER": 1}),)}
        for value in LiveMigratable:
            known = facts(aliases={"vf": alias(value)}, source=other)
            self.assert_answers(Status.UNKNOWN, known, saying="CUSTOM_OTHER")

    def test_which_traits_the_source_has_says_nothing(self):
        """Of a host that is full, placement is not asked for all of them."""
        today = alias(LiveMigratable.YES)
        spec = dataclasses.replace(today.specs[0], requested_traits="CUSTOM_FAST")
        self.assert_answers(
            Status.PASS, facts(aliases={"vf": dataclasses.replace(today, specs=(spec,))})
        )

    def on_the_host(self, spec, **device):
        server = facts().server.id
        told = scenario.knowledge("compute1", scenario.vf(user=server, **device), specs=[spec])
        source = {"devices": (), "knowledge": told}
        return facts(source=source, hosts={"compute1": told}, pci_in_placement=False)

    def test_a_device_that_the_alias_would_not_get_is_of_another_alias(self):
        self.assert_answers(Status.PASS, self.on_the_host(scenario.SPEC_YES))
        untagged = self.on_the_host(scenario.SPEC_UNTAGGED)
        self.assert_answers(Status.UNKNOWN, untagged, saying="0000:81:00.1 on compute1")
        another = scenario.SPEC_YES | {"product_id": "1520"}
        known = self.on_the_host(another, product_id="1520")
        self.assert_answers(Status.UNKNOWN, known, saying="0000:81:00.1 on compute1")

    def test_the_device_of_a_port_says_nothing_of_an_alias(self):
        of_port = scenario.SPEC_UNTAGGED | {"physical_network": "physnet1"}
        self.assert_answers(Status.PASS, self.on_the_host(of_port))

    def test_one_alias_of_several_is_enough_to_fail(self):
        requests = (AliasRequest("vf", 1), AliasRequest("nic", 1), AliasRequest("lost", 1))
        aliases = {
            "vf": alias(LiveMigratable.YES),
            "nic": alias(LiveMigratable.UNSPECIFIED, name="nic"),
        }
        outcome = self.assert_answers(
            Status.FAIL, facts(alias_requests=requests, aliases=aliases), saying="nic"
        )
        self.assertNotIn("vf", outcome.message)


class TestAliasChanged(CheckTestCase):
    check = alias_checks.alias_changed_since_boot

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.WARN, facts(aliases_changed_at=NOW))
        self.assert_answers(Status.UNKNOWN, facts(aliases_changed_at=None))
        self.assert_answers(Status.NOT_APPLICABLE, facts(aliases=None))
        self.assertFalse(self.check.is_decisive)
