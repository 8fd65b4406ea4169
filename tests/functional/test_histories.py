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

"""Servers with a history: what the preflight says of it, and what nova does with it."""

from __future__ import annotations

import dataclasses
import os

from tests.cloud import HostSpec
from tests.cloud.administrator import Moved, wait_for
from tests.functional.base import UNTAGGED, YES, CloudTestCase
from vfio_lm.preflight import Report, Status, Verdict, check_with
from vfio_lm.preflight.gather.input_files import read_inputs

_LONG_AGO = 1_000_000_000


class TestHistories(CloudTestCase):
    hosts = tuple(HostSpec(f"compute{i}", bus=0x80 + i, device_specs=(YES,)) for i in (1, 2, 3))

    def age_conf(self) -> None:
        """Let the nova.conf of the API be older than any server."""
        os.utime(self.cloud.nova_conf(), (_LONG_AGO, _LONG_AGO))

    def report(self, server: str, host: str | None = None) -> Report:
        inputs = read_inputs([str(self.cloud.nova_conf())])
        return check_with(self.connection, server, inputs, host=host)

    def assert_unknown(self, check: str, server: str, host: str | None = None) -> None:
        """Only one check keeps a server from being ready."""
        report = self.report(server, host)
        self.assertIs(Verdict.UNKNOWN, report.verdict, report.to_dict())
        doubts = {
            each.id
            for each in report.all_checks
            if each.status is Status.UNKNOWN and each.is_decisive
        }
        self.assertEqual({check}, doubts, report.to_dict())

    def assert_warned_and_moved(self, check: str, server: str, host: str) -> None:
        report = self.report(server, host)
        self.assertIs(Verdict.READY, report.verdict, report.to_dict())
        warned = {each.id for each in report.all_checks if each.status is Status.WARN}
        self.assertIn(check, warned)
        self.assertEqual(host, self.move(server, host).host)

    def move(self, server: str, host: str | None = None) -> Moved:
        return self.admin.live_migrate(server, host)

    def resize(self, server: str, flavor: str) -> None:
        self.admin.act(server, {"resize": {"flavorRef": flavor}})
        wait_for("it is resized", lambda: self.show(server)["status"] == "VERIFY_RESIZE")

    def test_after_a_reverted_resize_nova_asks_for_what_was_given_up(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.age_conf()
        self.resize(server, self.admin.flavor("vf-yes:2", vcpus=2))
        self.admin.act(server, {"revertResize": None})
        wait_for("it is back", lambda: self.show(server)["status"] == "ACTIVE")
        self.assert_unknown("request-drift", server)
        self.assertTrue(self.move(server).is_broken)

    def test_with_placement_switched_off_nova_asks_for_devices_of_the_source(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.cloud.set_pci_in_placement(False)
        report = self.report(server)
        self.assertIsNot(Verdict.READY, report.verdict, report.to_dict())
        found = {each.id for each in report.all_checks if each.status is Status.UNKNOWN}
        self.assertIn("request-drift", found)
        self.assertTrue(self.move(server).is_broken)

    def test_a_member_of_the_group_between_two_hosts_counts_on_both(self) -> None:
        group = self.connection.compute.create_server_group(name="g", policies=["anti-affinity"])
        hints = {"group": group.id}
        flavor = self.flavor("vf-yes:1")
        server = self.boot(flavor, "compute1", hints=hints)
        other = self.boot(flavor, "compute2", name="other", hints=hints)
        self.age_conf()
        self.resize(other, self.admin.flavor("vf-yes:1", ram=1024))
        self.cloud.sync_scheduler()
        self.assert_unknown("destination-group", server, "compute2")
        self.assertTrue(self.move(server, "compute2").is_broken)

    def test_what_was_left_on_another_host_is_not_counted(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.age_conf()
        placement = self.connection.placement
        (root,) = placement.resource_providers(name="compute3")
        path = f"/allocations/{server}"
        held = placement.get(path, microversion="1.28").json()
        held["allocations"] = {
            provider: {"resources": each["resources"]}
            for provider, each in held["allocations"].items()
        } | {root.id: {"resources": {"MEMORY_MB": 512}}}
        self.assertTrue(placement.put(path, json=held, microversion="1.28").ok)
        self.assert_warned_and_moved("allocation-consistent", server, "compute2")

    def test_a_tag_that_the_source_has_lost_is_not_looked_at_again(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        self.age_conf()
        self.addCleanup(self.cloud.restart_host, "compute1", self.hosts[0])
        self.cloud.restart_host(
            "compute1", dataclasses.replace(self.hosts[0], device_specs=(UNTAGGED,))
        )
        self.cloud.update_resources()
        self.assert_warned_and_moved("device-trait", server, "compute2")
