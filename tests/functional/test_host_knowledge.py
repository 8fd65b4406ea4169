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

"""The checks that look at what hosts tell of themselves; placement knows no device here."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from tests.cloud import CloudError, HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import ALIAS_YES, UNTAGGED, YES, CloudTestCase
from tests.functional.host_knowledge import host_facts, knowledge, users
from vfio_lm.pci import read_nova_conf
from vfio_lm.preflight import Host, Inputs, Report, Status, Verdict, check_with


class HostsTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", bus=0x81, device_specs=(YES,)),
        HostSpec("compute2", bus=0x82, device_specs=(YES,)),
    )
    aliases = (ALIAS_YES,)
    pci_in_placement = False

    def known(self, *servers: str, **changes: Any) -> dict[str, Host]:
        return knowledge(self.cloud, self.hosts, servers, **changes)

    def ask(self, server: str, hosts: Mapping[str, Host], **told: Any) -> Report:
        conf = read_nova_conf([self.cloud.nova_conf()])
        inputs = Inputs(
            **{
                "now": datetime.datetime.now(datetime.UTC),
                "aliases": conf.aliases,
                "pci_in_placement": conf.pci_in_placement,
                "hosts": hosts,
            }
            | told
        )
        return check_with(self.connection, server, inputs)

    def assert_alone(self, check_id: str, status: Status, verdict: Verdict, report: Report) -> str:
        """Only this check answers so, and the verdict follows; return its remedy."""
        self.assertIs(verdict, report.verdict, report.to_dict())
        found = [
            result
            for result in report.all_checks
            if result.status is status and (result.is_decisive or status is not Status.UNKNOWN)
        ]
        self.assertEqual({check_id}, {result.id for result in found}, report.to_dict())
        self.assertNotEqual("", found[0].remedy)
        return found[0].remedy

    def assert_ready(self, report: Report) -> None:
        self.assertIs(Verdict.READY, report.verdict, report.to_dict())


class TestDevicesOfHosts(HostsTestCase):
    """Most clouds do not report PCI in placement; nova.conf and facts of hosts answer instead."""

    def test_with_all_that_is_known_the_verdict_is_novas(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.ask(server, {})
        self.assertIs(Verdict.UNKNOWN, report.verdict)
        (asked,) = [r for r in report.checks if r.id == "pci-in-placement"]
        self.assertEqual(["compute2"], asked.evidence["hosts_without_facts"])
        report = self.ask(server, self.known(server))
        self.assert_ready(report)
        self.assertEqual(2, report.destinations[0].free_devices)
        self.assertEqual("compute2", self.live_migrate(server))

    def test_a_server_whose_alias_got_its_tag_later_is_not_called_ready(self):
        """Nova goes by what it stored: that the alias said nothing of live migration."""
        host = dataclasses.replace(self.hosts[0], device_specs=(UNTAGGED,))
        self.addCleanup(self.cloud.restart_host, "compute1", self.hosts[0])
        self.cloud.restart_host("compute1", host)
        said_nothing = {key: value for key, value in ALIAS_YES.items() if key != "live_migratable"}
        self.cloud.set_aliases([said_nothing])
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.set_aliases([dict(ALIAS_YES)])
        report = self.ask(server, self.known(server))
        remedy = self.assert_alone("alias-live-migratable", Status.UNKNOWN, Verdict.UNKNOWN, report)
        self.assertIn(f"openstack server resize --wait --flavor FLAVOR {server}", remedy)
        self.assertIs(None, self.live_migrate(server, "compute2"))

    def test_a_server_that_is_shut_off_keeps_its_device(self):
        occupant = self.boot(self.flavor("vf-yes:2"), host="compute2", name="occupant")
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.connection.compute.stop_server(occupant)
        wait_for("the occupant is off", lambda: self.show(occupant)["status"] == "SHUTOFF")
        # as if only what runs was looked at
        report = self.ask(server, self.known(server))
        remedy = self.assert_alone("destination-devices", Status.UNKNOWN, Verdict.UNKNOWN, report)
        self.assertIn("vfio-lm-host probe", remedy)
        self.assertIsNone(self.live_migrate(server))

    def test_old_facts_are_a_warning_and_those_of_the_future_nothing(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        hosts, now = self.known(server), datetime.datetime.now(datetime.UTC)
        report = self.ask(server, hosts, now=now + datetime.timedelta(hours=2))
        self.assert_alone("destination-devices", Status.WARN, Verdict.READY, report)
        report = self.ask(server, hosts, now=now - datetime.timedelta(hours=2))
        self.assert_alone("destination-devices", Status.UNKNOWN, Verdict.UNKNOWN, report)
        fresh = self.ask(server, self.known(server))
        self.assertNotIn(Status.WARN, {result.status for result in fresh.all_checks})

    def test_facts_of_another_host_prove_nothing(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        hosts = self.known(server)
        hosts["compute2"] = dataclasses.replace(hosts["compute2"], facts=hosts["compute1"].facts)
        report = self.ask(server, hosts)
        self.assert_alone("destination-devices", Status.UNKNOWN, Verdict.UNKNOWN, report)

    def test_the_command_reads_the_files(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        in_use = users(self.cloud, [server])
        with tempfile.TemporaryDirectory() as folder:
            for host in self.hosts:
                path = pathlib.Path(folder, f"{host.name}.json")
                path.write_text(host_facts(host, in_use).to_json())
            options = ["--nova-conf", str(self.cloud.nova_conf())]
            for host in self.hosts:
                options += ["--nova-conf", f"{host.name}={self.cloud.nova_conf(host.name)}"]
            options += ["--host-facts", folder, "--max-age", "90m"]
            done = self.openstack("vfio", "migration", "check", "-f", "json", *options, server)
            self.assertEqual(0, done.status, done.output + done.errors)
            self.assertIn("compute2.json", done.output)
            wrong = f"compute1={self.cloud.nova_conf('compute2')}"
            done = self.openstack("vfio", "migration", "check", "--nova-conf", wrong, server)
            self.assertEqual(1, done.status)
            self.assertIn("not the nova.conf of host compute1", done.errors)


OF_A_NETWORK = UNTAGGED | {"physical_network": "physnet2"}


class TestPorts(HostsTestCase):
    """Ports with a device are unplugged and plugged in again."""

    hosts = (
        HostSpec("compute1", bus=0x81, device_specs=(OF_A_NETWORK,)),
        HostSpec("compute2", bus=0x82, device_specs=(OF_A_NETWORK,)),
    )

    def test_a_free_device_of_the_network_makes_ready_with_a_warning(self):
        port = self.connection.network.find_port("sriov-1")
        server = self.boot(self.flavor(None), networks=[{"port": port.id}], host="compute1")
        report = self.ask(server, {})
        self.assert_alone("destination-devices", Status.UNKNOWN, Verdict.UNKNOWN, report)
        report = self.ask(server, self.known(server))
        self.assert_alone("port-binding", Status.WARN, Verdict.READY, report)
        self.assertEqual("compute2", self.live_migrate(server))


class TestPortBesideAlias(HostsTestCase):
    """A server whose VFs come by an alias, and one more by a port."""

    hosts = tuple(
        HostSpec(
            f"compute{number}",
            bus=0x80 + number,
            products=("1515", "1520"),
            device_specs=(YES, OF_A_NETWORK | {"product_id": "1520"}),
        )
        for number in (1, 2)
    )

    def test_nova_has_the_devices_back_once_it_is_restarted_as_advised(self):
        port = self.connection.network.find_port("sriov-1")
        both = self.boot(self.flavor("vf-yes:1"), networks=[{"port": port.id}], host="compute1")
        report = self.ask(both, self.known(both))
        remedy = self.assert_alone("port-binding", Status.WARN, Verdict.READY, report)
        self.assertIn("restart nova-compute on the destination", remedy)
        self.assertEqual("compute2", self.live_migrate(both))
        # What happens to who does not follow it.
        self.admin.delete(both)
        self.cloud.update_resources()
        everything = self.flavor("vf-yes:2")
        self.assertRaises(CloudError, self.boot, everything, host="compute2")
        self.cloud.restart_host("compute2")
        self.boot(everything, host="compute2")
