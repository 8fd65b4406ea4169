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

"""What the checks of the server's state and devices answer."""

from __future__ import annotations

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from tests.unit.migration.records import migration
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    NO_DEVICES,
    facts,
)
from vfio_lm.cloud.model import ServerHistory
from vfio_lm.pci import AliasRequest
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import server as server_checks
from vfio_lm.preflight.facts import Network
from vfio_lm.preflight.rules.port import Port


class TestServerState(CheckTestCase):
    check = server_checks.server_state

    def test_active_and_paused_servers_pass(self):
        self.assert_answers(Status.PASS)
        paused = {"status": "PAUSED", "vm_state": "paused", "power_state": 3}
        self.assert_answers(Status.PASS, facts(server=paused))

    def test_one_that_was_deleted_meanwhile_fails(self):
        gone = facts(history=ServerHistory(is_gone=True))
        self.assert_answers(Status.FAIL, gone, saying="was deleted while it was looked at")

    def test_a_stopped_server_has_to_be_started(self):
        outcome = self.assert_answers(
            Status.FAIL,
            facts(server={"status": "SHUTOFF", "vm_state": "stopped"}),
            saying="SHUTOFF",
        )
        self.assertIn("openstack server start", outcome.remedy)

    def test_a_guest_that_runs_on_after_a_failed_live_migration_is_not_rebooted(self):
        broken = {"status": "ERROR", "vm_state": "error"}
        for last, said in (
            (migration(), "server set --auto-approve --state active"),
            (None, "server event list"),
        ):
            known = facts(server=broken, last_live_migration=last)
            outcome = self.assert_answers(Status.FAIL, known, saying="ERROR")
            self.assertIn(said, outcome.remedy)
            self.assertNotIn("reboot --hard", outcome.remedy)

    def test_a_server_in_a_task_fails(self):
        self.assert_answers(
            Status.FAIL, facts(server={"task_state": "migrating"}), saying="migrating"
        )

    def test_a_crashed_guest_fails(self):
        self.assert_answers(Status.FAIL, facts(server={"power_state": 4}), saying="power state")

    def test_a_lock_stops_everybody_but_an_admin(self):
        self.assert_answers(Status.WARN, facts(server={"is_locked": True}))
        self.assert_answers(Status.FAIL, facts(server={"is_locked": True}, user_is_admin=False))


class TestServerDevices(CheckTestCase):
    check = server_checks.server_devices

    def test_alias_devices_are_counted(self):
        self.assert_answers(Status.PASS, facts(devices=2), saying="2 × vf")

    def test_one_alias_named_twice_counts_twice(self):
        requests = (AliasRequest("vf", 1), AliasRequest("vf", 2))
        self.assert_answers(Status.PASS, facts(alias_requests=requests), saying="3 × vf")

    def test_a_server_without_devices_passes(self):
        self.assert_answers(Status.PASS, facts(**NO_DEVICES), saying="no PCI device")

    def test_ports_with_devices_are_counted(self):
        known = facts(network=Network(ports=(Port("p1", "direct"),)))
        self.assert_answers(Status.PASS, known, saying="1 × vf, 1 port with a device")

    def test_a_silent_neutron_is_not_taken_for_no_ports(self):
        self.assert_answers(Status.UNKNOWN, facts(network=Network(ports=None)))
