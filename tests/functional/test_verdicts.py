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

"""The verdict of the preflight and what nova really does agree, case by case."""

from __future__ import annotations

from tests.cloud import HostSpec
from tests.functional.base import ALIAS_ANY, ALIAS_YES, UNTAGGED, YES, CloudTestCase
from vfio_lm.preflight import Report, Status, Verdict

NO = YES | {"live_migratable": "no"}
OF_A_NETWORK = UNTAGGED | {"physical_network": "physnet2"}
YES_1520 = YES | {"product_id": "1520"}
ALIAS_NO = ALIAS_YES | {"name": "vf-no", "live_migratable": "no"}
ALIAS_1520 = ALIAS_YES | {"name": "vf-1520", "product_id": "1520"}


class VerdictTestCase(CloudTestCase):
    def assert_nova_agrees(self, server: str, verdict: Verdict, host: str | None = None) -> Report:
        """Ask the preflight, then nova; both must say the same."""
        report = self.check(server, host=host)
        self.assertIs(verdict, report.verdict, report.to_dict())
        went_to = self.live_migrate(server, host=host)
        if verdict is Verdict.READY:
            self.assertIn(went_to, report.hosts(Verdict.READY))
        else:
            self.assertIsNone(went_to)
        return report

    def assert_failed(self, report: Report, *checks: str) -> None:
        failed = {result.id for result in report.all_checks if result.status is Status.FAIL}
        self.assertEqual(set(checks), failed)


class TestTwoHosts(VerdictTestCase):
    """Both hosts have one PF with two VFs, declared live migratable."""

    def test_a_server_with_a_migratable_vf_is_ready(self):
        server = self.boot(self.flavor("vf-yes:1"))
        report = self.assert_nova_agrees(server, Verdict.READY)
        self.assert_failed(report)
        # and back again
        self.assert_nova_agrees(server, Verdict.READY)

    def test_a_server_without_devices_is_ready(self):
        self.assert_nova_agrees(self.boot(self.flavor(None)), Verdict.READY)

    def test_an_unspecified_alias_blocks(self):
        report = self.assert_nova_agrees(self.boot(self.flavor("vf-any:1")), Verdict.BLOCKED)
        self.assert_failed(report, "alias-live-migratable")

    def test_no_free_vf_elsewhere_blocks(self):
        flavor = self.flavor("vf-yes:1")
        self.boot(self.flavor("vf-yes:2"), host="compute2", name="occupant")
        report = self.assert_nova_agrees(self.boot(flavor, host="compute1"), Verdict.BLOCKED)
        self.assert_failed(report, "destination-capacity", "destination-devices")

    def test_a_disabled_host_blocks(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.disable_host("compute2")
        report = self.assert_nova_agrees(server, Verdict.BLOCKED)
        self.assert_failed(report, "destination-service", "destination-capacity")

    def test_a_host_that_is_down_blocks(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.stop_host("compute2")
        report = self.assert_nova_agrees(server, Verdict.BLOCKED)
        self.assert_failed(report, "destination-service")

    def test_a_source_that_is_down_blocks(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.stop_host("compute1")
        report = self.assert_nova_agrees(server, Verdict.BLOCKED)
        self.assert_failed(report, "source-up")

    def test_without_nova_conf_nothing_is_guessed(self):
        server = self.boot(self.flavor("vf-yes:1"))
        report = self.check(server, aliases=None, pci_in_placement=None)
        self.assertIs(Verdict.UNKNOWN, report.verdict)


class TestForcedHost(VerdictTestCase):
    """A destination that the user names is the only one that counts."""

    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(YES,)),
        HostSpec("compute3", device_specs=(UNTAGGED,)),
    )

    def test_a_good_host(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.assert_nova_agrees(server, Verdict.READY, host="compute2")
        self.assertEqual(["compute2"], [d.host for d in report.destinations])

    def test_a_host_with_other_devices(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.assert_nova_agrees(server, Verdict.BLOCKED, host="compute3")
        self.assert_failed(report, "destination-devices")

    def test_the_source_itself(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.assert_nova_agrees(server, Verdict.BLOCKED, host="compute1")
        self.assert_failed(report, "destination-service")

    def test_nova_finds_the_good_host_by_itself(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.assert_nova_agrees(server, Verdict.READY)
        self.assertEqual(("compute2",), report.hosts(Verdict.READY))
        self.assertEqual(("compute3",), report.hosts(Verdict.BLOCKED))


class TestAliasNo(VerdictTestCase):
    hosts = tuple(HostSpec(f"compute{i}", device_specs=(NO,)) for i in (1, 2))
    aliases = (ALIAS_NO,)

    def test_an_alias_that_says_no_blocks(self):
        report = self.assert_nova_agrees(self.boot(self.flavor("vf-no:1")), Verdict.BLOCKED)
        self.assert_failed(report, "alias-live-migratable", "destination-devices")


class TestNoMigratableDevices(VerdictTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(UNTAGGED,)),
        HostSpec("compute3", device_specs=()),
    )

    def test_hosts_without_migratable_devices_block(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.assert_nova_agrees(server, Verdict.BLOCKED)
        by_host = {d.host: d for d in report.destinations}
        self.assertEqual(0, by_host["compute2"].free_devices)
        self.assertEqual((), by_host["compute3"].devices)


class TestTwoKinds(VerdictTestCase):
    """Two devices of two aliases."""

    hosts = tuple(
        HostSpec(f"compute{i}", products=("1515", "1520"), device_specs=(YES, YES_1520))
        for i in (1, 2)
    )
    aliases = (ALIAS_YES, ALIAS_1520, ALIAS_ANY)

    def test_two_aliases_that_say_yes_are_ready(self):
        self.assert_nova_agrees(self.boot(self.flavor("vf-yes:1,vf-1520:1")), Verdict.READY)

    def test_one_alias_that_does_not_say_yes_blocks(self):
        server = self.boot(self.flavor("vf-any:1,vf-1520:1"))
        report = self.assert_nova_agrees(server, Verdict.BLOCKED)
        self.assert_failed(report, "alias-live-migratable")

    def test_one_kind_used_up_elsewhere_blocks(self):
        self.boot(self.flavor("vf-1520:2"), host="compute2", name="occupant")
        server = self.boot(self.flavor("vf-yes:1,vf-1520:1"), host="compute1")
        self.assert_nova_agrees(server, Verdict.BLOCKED)


class TestTwoPfs(VerdictTestCase):
    """Three VFs of one alias, and two PFs with two VFs each."""

    hosts = tuple(HostSpec(f"compute{i}", pfs=2, vfs=2, device_specs=(YES,)) for i in (1, 2))

    def test_free_vfs_may_be_spread_over_two_pfs(self):
        self.boot(self.flavor("vf-yes:1"), host="compute2", name="occupant")
        server = self.boot(self.flavor("vf-yes:3"), host="compute1")
        self.assert_nova_agrees(server, Verdict.READY)

    def test_one_vf_too_few_blocks(self):
        self.boot(self.flavor("vf-yes:2"), host="compute2", name="occupant")
        server = self.boot(self.flavor("vf-yes:3"), host="compute1")
        self.assert_nova_agrees(server, Verdict.BLOCKED)


class TestSriovPort(VerdictTestCase):
    """A port that is served with a PCI device, of which no API shows whether another is free."""

    hosts = tuple(HostSpec(f"compute{i}", device_specs=(OF_A_NETWORK,)) for i in (1, 2))

    def test_the_verdict_is_unknown(self):
        port = self.connection.network.find_port("sriov-1")
        server = self.boot(self.flavor(None), networks=[{"port": port.id}])
        report = self.check(server)
        self.assertIs(Verdict.UNKNOWN, report.verdict, report.to_dict())
        (devices,) = [result for result in report.checks if result.id == "server-devices"]
        self.assertEqual([port.id], devices.evidence["ports"])


class TestServerGroups(VerdictTestCase):
    """Where the members of a server group may go."""

    hosts = tuple(HostSpec(f"compute{i}", device_specs=(YES,)) for i in (1, 2, 3))

    def group(self, policy):
        response = self.connection.compute.post(
            "/os-server-groups",
            json={"server_group": {"name": policy, "policy": policy}},
            microversion="2.64",
        )
        return response.json()["server_group"]["id"]

    def test_servers_apart_stay_apart(self):
        hints = {"group": self.group("anti-affinity")}
        self.boot(self.flavor(None), host="compute2", name="other", hints=hints)
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", hints=hints)
        report = self.assert_nova_agrees(server, Verdict.READY)
        self.assertEqual(("compute3",), report.hosts(Verdict.READY))

    def test_where_a_member_has_just_left_nobody_knows(self):
        """The host that a server left reports to nova's scheduler that the server is there."""
        hints = {"group": self.group("anti-affinity")}
        other = self.boot(self.flavor(None), host="compute2", name="other", hints=hints)
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", hints=hints)
        self.assertEqual("compute3", self.live_migrate(other, host="compute3"))
        report = self.check(server)
        self.assertEqual(("compute2",), report.hosts(Verdict.UNKNOWN), report.to_dict())
        self.assertEqual(("compute3",), report.hosts(Verdict.BLOCKED))
        self.assertIsNone(self.live_migrate(server, host="compute2"))

    def test_servers_together_do_not_leave_each_other(self):
        hints = {"group": self.group("affinity")}
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", hints=hints)
        report = self.assert_nova_agrees(server, Verdict.BLOCKED)
        self.assert_failed(report, "destination-group")

    def test_a_soft_policy_stops_nobody(self):
        hints = {"group": self.group("soft-anti-affinity")}
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", hints=hints)
        self.assert_nova_agrees(server, Verdict.READY)


class TestPciNotInPlacement(VerdictTestCase):
    """Where placement does not know the devices, no one can be sure without the hosts."""

    hosts = tuple(HostSpec(f"compute{i}", device_specs=(YES,)) for i in (1, 2))
    pci_in_placement = False

    def test_the_verdict_is_unknown_where_nova_would_do_it(self):
        server = self.boot(self.flavor("vf-yes:1"))
        report = self.check(server)
        self.assertIs(Verdict.UNKNOWN, report.verdict, report.to_dict())
        self.assertIsNotNone(self.live_migrate(server))

    def test_the_verdict_is_unknown_where_nova_would_not(self):
        self.boot(self.flavor("vf-yes:2"), host="compute2", name="occupant")
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.assertIs(Verdict.UNKNOWN, self.check(server).verdict)
        self.assertIsNone(self.live_migrate(server))
