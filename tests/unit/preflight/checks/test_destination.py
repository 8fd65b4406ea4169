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

"""What the checks of a destination's nova-compute and hypervisor answer."""

from __future__ import annotations

import dataclasses

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    destination,
    facts,
    node,
    service,
)
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import destination as destination_checks


class TestDestinationService(CheckTestCase):
    check = destination_checks.destination_service

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for wrong, said in (
            (service("compute2", is_enabled=False, disabled_reason="disk"), "disabled (disk)"),
            (service("compute2", is_up=False), "is down"),
            (service("compute2", is_up=False, is_forced_down=True), "forced down"),
        ):
            known = facts(destinations=(destination(service=wrong),))
            self.assert_answers(Status.FAIL, known, saying=said)

    def test_the_source_is_no_destination(self):
        known = facts(destinations=(destination("compute1"),), requested_host="compute1")
        self.assert_answers(Status.FAIL, known, saying="already on this host")


class TestDestinationHypervisor(CheckTestCase):
    check = destination_checks.destination_hypervisor

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for changes, said in (
            ({"hypervisor_type": "VMware"}, "VMware"),
            ({"hypervisor_version": 8001000}, "older"),
        ):
            known = facts(destinations=(destination(node=node("compute2", **changes)),))
            self.assert_answers(Status.FAIL, known, saying=said)
        self.assert_answers(Status.UNKNOWN, facts(destinations=(destination(node=None),)))

    def test_an_older_hypervisor_is_a_warning_where_nova_skips_the_check(self):
        older = node("compute2", hypervisor_version=9_000_000)
        known = {
            "destinations": (destination(node=older),),
            "source": {"node": node("compute1", hypervisor_version=9_001_000)},
        }
        for skips in (None, False):
            outcome = self.assert_answers(
                Status.FAIL, facts(skips_version_check=skips, **known), saying="older"
            )
            self.assertIn("skip_hypervisor_version_check_on_lm = true", outcome.remedy)
        self.assert_answers(
            Status.WARN, facts(skips_version_check=True, **known), saying="configured to skip"
        )

    def test_a_qemu_too_old_for_live_migratable_devices_fails(self):
        old = node("compute2", hypervisor_version=8_002_001)
        known = facts(
            destinations=(destination(node=old),),
            source={"node": node("compute1", hypervisor_version=8_002_000)},
        )
        self.assert_answers(Status.FAIL, known, saying="8.2.2")
        plain = dataclasses.replace(known, alias_requests=())
        self.assert_answers(Status.PASS, plain)
