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

"""What the checks of the source and of the server's holdings answer."""

from __future__ import annotations

import datetime

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    MARKED,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    VF,
    facts,
    pci_provider,
    service,
)
from vfio_lm.cloud.model import ServerHistory
from vfio_lm.pci import AliasRequest
from vfio_lm.preflight import Host, Status
from vfio_lm.preflight.checks import source as source_checks
from vfio_lm.preflight.facts import SourceDevice


class TestSourceUp(CheckTestCase):
    check = source_checks.source_up

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for wrong in (
            {"service": service("compute1", is_up=False)},
            {"service": service("compute1", is_up=False, is_forced_down=True)},
            {"service": None},
        ):
            self.assert_answers(Status.FAIL, facts(source=wrong))

    def test_a_disabled_source_may_be_left(self):
        self.assert_answers(
            Status.PASS, facts(source={"service": service("compute1", is_enabled=False)})
        )


class TestDeviceTrait(CheckTestCase):
    check = source_checks.device_trait

    def holding(self, traits, knowledge=None, **changes):
        held = SourceDevice(pci_provider("compute1", 0, traits), {VF: 1})
        changes = {"aliases_changed_at": None} | changes
        return facts(source={"devices": (held,), "knowledge": knowledge or Host()}, **changes)

    def test_a_marked_device_passes(self):
        self.assert_answers(Status.PASS, self.holding(MARKED))

    def test_a_missing_trait_counts_from_nova_34_on(self):
        self.assert_answers(Status.UNKNOWN, self.holding(UNMARKED), saying="not declared")

    def test_a_tag_that_was_taken_away_after_boot_is_not_looked_at_again(self):
        older = scenario.NOW - datetime.timedelta(days=2)
        lost = {"aliases_changed_at": older}
        self.assert_answers(Status.WARN, self.holding(UNMARKED, **lost), saying="any more")
        given_up = lost | {"history": ServerHistory(has_resize_given_up=True)}
        self.assert_answers(Status.UNKNOWN, self.holding(UNMARKED, **given_up))

    def test_before_nova_34_a_missing_trait_proves_nothing(self):
        self.assert_answers(Status.UNKNOWN, self.holding(SILENT))

    def test_before_nova_34_the_hosts_nova_conf_can_tell(self):
        def told(*specs):
            return scenario.knowledge("compute1", scenario.vf(), specs=specs)

        self.assert_answers(Status.PASS, self.holding(SILENT, told(SPEC_YES)))
        self.assert_answers(
            Status.UNKNOWN, self.holding(SILENT, told(SPEC_UNTAGGED)), saying="not declared"
        )

    def test_nova_conf_alone_tells_where_all_specifications_agree(self):
        def told(*specs):
            return Host(conf=scenario.conf(*specs))

        self.assert_answers(Status.PASS, self.holding(SILENT, told(SPEC_YES, SPEC_YES)))
        one = SPEC_YES | {"address": "0000:81:00.1"}
        self.assert_answers(Status.UNKNOWN, self.holding(SILENT, told(one, SPEC_UNTAGGED)))
        self.assert_answers(
            Status.UNKNOWN, self.holding(SILENT, told(SPEC_UNTAGGED)), saying="not declared"
        )

    def test_nova_conf_knows_better_than_the_trait_that_there_is_no_tag(self):
        told = scenario.knowledge("compute1", scenario.vf(), specs=[SPEC_UNTAGGED])
        self.assert_answers(Status.UNKNOWN, self.holding(MARKED, told), saying="not declared")

    def test_a_nova_compute_that_has_not_read_its_nova_conf_is_unknown(self):
        told = scenario.knowledge("compute1", scenario.vf())
        self.assert_answers(Status.UNKNOWN, self.holding(UNMARKED, told))

    def test_without_placement_there_is_nothing_to_see(self):
        self.assert_answers(Status.NOT_APPLICABLE, facts(source={"devices": ()}))


class TestAllocationConsistent(CheckTestCase):
    check = source_checks.allocation_consistent

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.PASS, facts(source={"devices": ()}))

    def test_nova_goes_on_without_an_allocation(self):
        self.assert_answers(Status.WARN, facts(source={"resources": {}, "devices": ()}))

    def test_a_wrong_number_of_devices_is_not_explained_away(self):
        self.assert_answers(
            Status.UNKNOWN, facts(alias_requests=(AliasRequest("vf", 2),)), saying="1 device,"
        )

    def test_what_is_left_on_another_host_is_not_counted(self):
        outcome = self.assert_answers(
            Status.WARN, facts(source={"left_behind": frozenset({"other"})}), saying="(other)"
        )
        self.assertIn("unset --provider other 92d0d15e", outcome.remedy)

    def left_behind(self, **server):
        devices = [SourceDevice(pci_provider(host, 0), {VF: 1}) for host in ("compute1", "other")]
        known = facts(source={"devices": tuple(devices)}, server=server)
        return self.assert_answers(Status.UNKNOWN, known, saying="holds 2 devices").remedy

    def test_what_is_left_on_another_host_is_given_back_there_only(self):
        remedy = self.left_behind()
        self.assertIn("unset --provider other --provider other_0000:81:00.0 92d0d15e", remedy)
        self.assertNotIn("compute1_", remedy)

    def test_nothing_is_taken_from_a_server_on_its_way(self):
        self.assertNotIn("unset", self.left_behind(task_state="migrating"))
        self.assertNotIn("unset", self.left_behind(vm_state="resized"))

    def test_another_class_shows_that_the_alias_has_changed(self):
        held = SourceDevice(pci_provider("compute1", 0), {"CUSTOM_OTHER": 1})
        self.assert_answers(Status.UNKNOWN, facts(source={"devices": (held,)}))
