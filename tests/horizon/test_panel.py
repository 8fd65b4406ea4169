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

"""Who sees the panel, and what its settings are."""

from __future__ import annotations

import pathlib

import oslo_policy.policy
import placement.policies
import yaml
from django.test.utils import override_settings
from django.urls import reverse
from openstack_auth import policy
from openstack_dashboard import defaults
from openstack_dashboard.test import helpers

import horizon_panel
from horizon_panel.content.vfio_live_migration.panel import VfioLiveMigration
from tests.horizon.base import INDEX, PanelTestCase, fleet

PACKAGE = pathlib.Path(horizon_panel.__file__).parent
OURS = PACKAGE / "conf" / "default_policies" / "placement.yaml"
POLICIES = {
    "POLICY_CHECK_FUNCTION": "openstack_auth.policy.check",
    "POLICY_FILES_PATH": defaults.POLICY_FILES_PATH,
    "POLICY_FILES": {**defaults.POLICY_FILES, "placement": "placement_policy.yaml"},
    "DEFAULT_POLICY_FILES": {**defaults.DEFAULT_POLICY_FILES, "placement": str(OURS)},
}


class AccessTest(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        policy.reset()
        self.addCleanup(policy.reset)

    @override_settings(**POLICIES)
    def test_an_administrator_sees_the_panel(self) -> None:
        self.answer(hosts=fleet(names=("compute1",)))
        self.assertEqual(200, self.page().status_code)

    @override_settings(**POLICIES)
    def test_the_policy_of_placement_decides_as_well(self) -> None:
        rules = VfioLiveMigration.policy_rules
        self.assertTrue(policy.check(rules, self.request))
        policy._get_enforcer()["placement"].set_rules(
            oslo_policy.policy.Rules.from_dict({"placement:resource_providers:list": "!"}),
            overwrite=False,
            use_conf=False,
        )
        self.assertFalse(policy.check(rules, self.request))


class NoAccessTest(helpers.TestCase):
    def test_who_is_no_administrator_has_no_such_page(self) -> None:
        response = self.client.get(reverse(INDEX))
        self.assertNotEqual(200, response.status_code)


class SettingsTest(helpers.TestCase):
    def test_the_policies_that_we_bring_are_those_of_placement(self) -> None:
        theirs = {rule.name: rule for rule in placement.policies.list_rules()}
        for ours in yaml.safe_load(OURS.read_text()):
            rule = theirs[ours["name"]]
            self.assertEqual(rule.check_str, ours["check_str"], rule.name)
            self.assertEqual(rule.scope_types, ours["scope_types"], rule.name)

    def test_every_rule_that_the_panel_asks_for_is_defined(self) -> None:
        names = {rule["name"] for rule in yaml.safe_load(OURS.read_text())}
        nova = pathlib.Path(defaults.POLICY_FILES_PATH, "default_policies", "nova.yaml")
        names |= {rule["name"] for rule in yaml.safe_load(nova.read_text())}
        self.assertEqual(set(), {name for _, name in VfioLiveMigration.policy_rules} - names)

    def test_the_snippet_adds_to_the_policy_files_of_horizon(self) -> None:
        names = {
            "POLICY_FILES": dict(defaults.POLICY_FILES),
            "DEFAULT_POLICY_FILES": dict(defaults.DEFAULT_POLICY_FILES),
        }
        (snippet,) = (PACKAGE / "local_settings.d").glob("*.py")
        exec(snippet.read_text(), names)
        self.assertEqual(str(OURS), names["DEFAULT_POLICY_FILES"]["placement"])
        self.assertEqual("nova_policy.yaml", names["POLICY_FILES"]["compute"])
