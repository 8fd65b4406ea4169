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

"""Each check that the APIs answer fails alone, and its remedy makes the server ready."""

from __future__ import annotations

import dataclasses
import datetime
import re

from tests.cloud import HostSpec
from tests.cloud.administrator import MICROVERSION, wait_for
from tests.functional.base import ALIAS_ANY, ALIAS_YES, UNTAGGED, YES, CloudTestCase
from vfio_lm.pci import read_nova_conf
from vfio_lm.preflight import Inputs, Report, Status, Verdict, check_with


class CatalogueTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", bus=0x81, device_specs=(YES,)),
        HostSpec("compute2", bus=0x82, device_specs=(YES,), memory_mb=2048),
    )
    aliases = (ALIAS_YES, ALIAS_ANY)

    def mobile(self, flavor: str | None = None, **fields: object) -> str:
        """Create a server on compute1 that could move to compute2."""
        return self.boot(flavor or self.flavor("vf-yes:1"), host="compute1", **fields)

    def assert_alone(self, report: Report, check_id: str, status: Status = Status.FAIL) -> str:
        """Only this check answers so; return its remedy."""
        found = [
            result
            for result in report.all_checks
            if result.status is status and (result.is_decisive or status is not Status.UNKNOWN)
        ]
        self.assertEqual({check_id}, {result.id for result in found}, report.to_dict())
        if status is Status.FAIL:
            self.assertIs(Verdict.BLOCKED, report.verdict)
        return found[0].remedy

    def assert_ready(self, server: str) -> None:
        report = self.check(server)
        self.assertIs(Verdict.READY, report.verdict, report.to_dict())

    def apply(self, remedy: str, **names: str) -> None:
        """Run the command of a remedy as it stands, with the placeholders filled in."""
        command = re.search(r"openstack [^;]+$|openstack [^;]+(?=;)", remedy)
        assert command is not None, remedy
        words = command.group().split()[1:]
        done = self.openstack(*(names.get(word, word) for word in words))
        self.assertEqual(0, done.status, (remedy, done.errors))

    def resize(self, server: str, remedy: str, flavor: str) -> None:
        self.apply(remedy, FLAVOR=flavor)
        wait_for("the resize ends", lambda: self.show(server)["status"] == "VERIFY_RESIZE")
        self.apply(f"openstack server resize confirm {server}")
        wait_for("it is confirmed", lambda: self.show(server)["status"] == "ACTIVE")
        self.cloud.update_resources()


class TestServer(CatalogueTestCase):
    def test_server_state(self):
        server = self.mobile()
        self.connection.compute.stop_server(server)
        wait_for("it is off", lambda: self.show(server)["status"] == "SHUTOFF")
        self.apply(self.assert_alone(self.check(server), "server-state"))
        wait_for("it runs", lambda: self.show(server)["status"] == "ACTIVE")
        self.assert_ready(server)

    def test_alias_live_migratable(self):
        server = self.mobile(self.flavor("vf-any:1"))
        remedy = self.assert_alone(self.check(server), "alias-live-migratable")
        self.resize(server, remedy, self.flavor("vf-yes:1"))
        self.assert_ready(server)

    def test_server_features(self):
        server = self.mobile(self.flavor("vf-yes:1", **{"hw:watchdog_action": "none"}))
        report = self.check(server)
        remedy = self.assert_alone(report, "server-features", Status.UNKNOWN)
        self.resize(server, remedy, self.flavor("vf-yes:1"))
        self.assert_ready(server)

    def test_numa(self):
        server = self.mobile(self.flavor("vf-yes:1", **{"hw:numa_nodes": "1"}))
        remedy = self.assert_alone(self.check(server), "numa", Status.UNKNOWN)
        self.resize(server, remedy, self.flavor("vf-yes:1"))
        self.assert_ready(server)

    def test_alias_defined_and_changed(self):
        server = self.mobile()
        conf = read_nova_conf([self.cloud.nova_conf()])
        now = datetime.datetime.now(datetime.UTC)

        def ask(**told: object) -> Report:
            known = {"now": now, "pci_in_placement": True, "aliases": conf.aliases} | told
            return check_with(self.connection, server, Inputs(**known))

        report = ask(aliases={})
        self.assert_alone(report, "alias-defined", Status.WARN)
        self.assertIs(Verdict.UNKNOWN, report.verdict)
        report = ask(aliases_changed_at=now)
        self.assert_alone(report, "alias-changed-since-boot", Status.WARN)
        self.assertIs(Verdict.READY, report.verdict)
        report = ask(aliases_changed_at=now - datetime.timedelta(days=1))
        self.assertNotIn(Status.WARN, {result.status for result in report.all_checks})

    def test_destination_group(self):
        response = self.connection.compute.post(
            "/os-server-groups",
            json={"server_group": {"name": "apart", "policy": "anti-affinity"}},
            microversion=MICROVERSION,
        )
        group = response.json()["server_group"]["id"]
        self.boot(self.flavor(None), host="compute2", name="other", hints={"group": group})
        server = self.mobile(hints={"group": group})
        remedy = self.assert_alone(self.check(server), "destination-group")
        self.assertIsNone(self.live_migrate(server))
        self.apply(remedy.rpartition(": ")[2])
        self.assert_ready(server)
        self.assertEqual("compute2", self.live_migrate(server))

    def test_destination_zone(self):
        connection = self.connection.compute
        aggregate = connection.create_aggregate(name="first", availability_zone="az1")
        connection.add_host_to_aggregate(aggregate, "compute1")
        server = self.boot(self.flavor("vf-yes:1"), availability_zone="az1")
        remedy = self.assert_alone(self.check(server), "destination-zone")
        self.assertIsNone(self.live_migrate(server))
        self.apply(remedy)
        self.assert_ready(server)
        self.assertEqual("compute2", self.live_migrate(server))

    def test_an_isolated_aggregate(self):
        connection = self.connection.compute
        aggregate = connection.create_aggregate(name="special")
        connection.add_host_to_aggregate(aggregate, "compute2")
        connection.set_aggregate_metadata(aggregate, {"trait:CUSTOM_SPECIAL": "required"})
        server = self.mobile()
        remedy = self.assert_alone(self.check(server), "destination-zone", Status.UNKNOWN)
        self.apply(remedy)
        self.assert_ready(server)


class TestHosts(CatalogueTestCase):
    def restart(self, name: str, **changes: object) -> None:
        """Restart a nova-compute with changes for the length of a test."""
        (spec,) = (host for host in self.hosts if host.name == name)
        self.addCleanup(self.cloud.restart_host, name, spec)
        self.cloud.restart_host(name, dataclasses.replace(spec, **changes))

    def test_source_up(self):
        server = self.mobile()
        self.cloud.stop_host("compute1")
        remedy = self.assert_alone(self.check(server), "source-up")
        self.assertIn("on compute1: systemctl start nova-compute", remedy)
        self.cloud.start_host("compute1")
        self.assert_ready(server)

    def test_destination_service(self):
        server = self.mobile()
        (service,) = self.connection.compute.services(host="compute2", binary="nova-compute")
        self.connection.compute.put(
            f"/os-services/{service.id}", json={"forced_down": True}, microversion=MICROVERSION
        )
        self.apply(self.assert_alone(self.check(server), "destination-service"))
        self.assert_ready(server)

    def test_destination_hypervisor(self):
        server = self.mobile()
        self.restart("compute1", qemu_version="9.0.0")
        self.cloud.update_resources()
        remedy = self.assert_alone(self.check(server), "destination-hypervisor")
        self.assertIn("upgrade the hypervisor of compute2", remedy)
        self.restart("compute2", qemu_version="9.0.0")
        self.cloud.update_resources()
        self.assert_ready(server)

    def test_destination_capacity(self):
        flavor = self.connection.compute.create_flavor(name="big", vcpus=1, ram=1280, disk=1)
        occupant = self.boot(str(flavor.id), host="compute2", name="occupant")
        server = self.mobile()
        remedy = self.assert_alone(self.check(server), "destination-capacity")
        self.assertIn("make room on the host", remedy)
        self.assertIsNone(self.live_migrate(server))
        self.connection.compute.delete_server(occupant)
        self.connection.compute.wait_for_delete(self.connection.compute.get_server(occupant))
        wait_for("its memory is free", lambda: self.check(server).verdict is Verdict.READY)

    def test_destination_devices(self):
        self.restart("compute2", device_specs=(UNTAGGED,))
        server = self.mobile()
        remedy = self.assert_alone(self.check(server), "destination-devices")
        self.assertIn('"live_migratable": "yes" to their [pci]device_spec on compute2', remedy)
        self.cloud.restart_host("compute2", self.hosts[1])
        self.assert_ready(server)

    def test_device_trait(self):
        server = self.mobile()
        self.restart("compute1", device_specs=(UNTAGGED,))
        remedy = self.assert_alone(self.check(server), "device-trait")
        self.assertIn('"live_migratable": "yes" to their [pci]device_spec on compute1', remedy)
        self.cloud.restart_host("compute1", self.hosts[0])
        self.assert_ready(server)


class TestCandidates(CatalogueTestCase):
    hosts = (*CatalogueTestCase.hosts, HostSpec("compute3", bus=0x83, device_specs=(UNTAGGED,)))

    def test_candidate_precision(self):
        server = self.mobile()
        report = self.check(server)
        remedy = self.assert_alone(report, "candidate-precision", Status.WARN)
        self.assertIs(Verdict.READY, report.verdict)
        self.assertIn('"traits": "HW_PCI_LIVE_MIGRATABLE" to the alias', remedy)
        self.cloud.set_aliases([ALIAS_YES | {"traits": "HW_PCI_LIVE_MIGRATABLE"}])
        other = self.mobile(name="made-afterwards")
        report = self.check(other)
        self.assertNotIn(Status.WARN, {result.status for result in report.checks})
        self.assertIs(Verdict.READY, report.verdict)

    def test_candidate_cost(self):
        server = self.mobile()
        unfit = ("OWNER_NOVA", "COMPUTE_MANAGED_PCI_DEVICE")
        self.cloud.fill_placement(hosts=300, pfs=4, vfs=8, pci_traits=unfit)
        self.addCleanup(self.cloud.empty_placement_filler)
        report = self.check(server)
        warned = {result.id: result for result in report.checks if result.status is Status.WARN}
        self.assertIn('"traits": "HW_PCI_LIVE_MIGRATABLE"', warned["candidate-cost"].remedy)
        self.cloud.set_aliases([ALIAS_YES | {"traits": "HW_PCI_LIVE_MIGRATABLE"}])
        report = self.check(server)
        self.assertNotIn("candidate-cost", {r.id for r in report.checks if r.status is Status.WARN})
        self.assertIs(Verdict.READY, report.verdict, report.to_dict())
