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

"""Which VFs devlink lets migrate; what it does not print is unknown."""

import json

import fixtures
import testtools

from tests.unit.compute.host.probes import HostDevicesCase
from vfio_lm.compute.host import devlink
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError


class TestMigratableVfs(HostDevicesCase):
    def test_devlink_tells_which_vfs_are_migratable(self):
        port = {"flavour": "pcivf", "pfnum": 0, "external": False, "function": {}}
        ports = {
            "pci/0000:81:00.0/65535": {"flavour": "physical", "port": 0},
            "pci/0000:81:00.0/1": port | {"vfnum": 0, "function": {"migratable": "enable"}},
            "pci/0000:81:00.0/2": port | {"vfnum": 1, "function": {"migratable": "disable"}},
            "auxiliary/x/3": port | {"vfnum": 0, "function": {"migratable": "disable"}},
        }
        self.options["show_ports"] = lambda: json.dumps({"port": ports})
        self.assertIs(True, self.device(self.vfs[0]).is_devlink_migratable)
        self.assertIs(False, self.device(self.vfs[1]).is_devlink_migratable)

    def ports(self, *ports):
        """Let devlink print ports of VF 0 below one PF, by pfnum and whether it is migratable."""
        printed = {
            f"pci/0000:81:00.0/{number}": {
                "flavour": "pcivf", "pfnum": pfnum, "vfnum": 0, "function": {"migratable": value}
            }
            for number, (pfnum, value) in enumerate(ports)
        }  # fmt: skip
        self.options["show_ports"] = lambda: json.dumps({"port": printed})
        return self.device(self.vfs[0])

    def test_vfs_of_two_pfs_with_one_number_are_told_apart(self):
        for one, other in (("enable", "disable"), ("disable", "enable")):
            found = self.ports((1, other), (0, one), (1, other))
            self.assertIs(one == "enable", found.is_devlink_migratable)

    def test_ports_of_one_vf_that_disagree_are_unknown(self):
        found = self.ports((1, "enable"), (2, "disable"))
        self.assertIsNone(found.is_devlink_migratable)
        self.assertIn("disagree", found.unknown["is_devlink_migratable"])
        self.assertIs(True, self.ports((1, "enable")).is_devlink_migratable)

    def test_a_pf_that_only_devlink_knows_is_passed_over(self):
        port = {"flavour": "pcivf", "vfnum": 0, "function": {"migratable": "enable"}}
        self.options["show_ports"] = lambda: json.dumps({"port": {"pci/0000:99:00.0/1": port}})
        self.assertIn("no port of it", self.device(self.vfs[0]).unknown["is_devlink_migratable"])

    def test_devlink_that_prints_something_else_is_unknown(self):
        for text in ("", "[]", '{"port": []}', '{"ports": {}}'):
            self.options["show_ports"] = lambda text=text: text
            self.assertIn("no ports", self.device(self.vfs[0]).unknown["is_devlink_migratable"])

    def test_ports_of_other_hosts_and_of_other_functions_are_passed_over(self):
        function = {"migratable": "enable"}
        ports = {
            "pci/0000:81:00.0/1": {"external": True, "vfnum": 0, "function": function},
            "pci/0000:81:00.0/2": {"flavour": "pcisf", "vfnum": 0, "function": function},
            "pci/0000:81:00.0/3": {"vfnum": 1, "function": {"migratable": "perhaps"}},
        }
        ports = {handle: {"flavour": "pcivf"} | port for handle, port in ports.items()}
        printed = json.dumps({"port": ports})
        self.assertEqual({}, devlink.migratable_vfs(self.sysfs, lambda: printed))


class TestTool(testtools.TestCase):
    def why_unknown(self, *command):
        self.useFixture(fixtures.MonkeyPatch(f"{devlink.__name__}._COMMAND", command))
        return str(self.assertRaises(NotKnownError, devlink.migratable_vfs, Sysfs("/")))

    def test_a_tool_that_is_absent_or_fails_is_the_reason(self):
        self.assertIn("iproute2 is not installed", self.why_unknown("absent-devlink"))
        said = self.why_unknown("sh", "-c", "echo 'Netlink error' >&2; echo '{}'; exit 1")
        self.assertTrue(said.endswith(": Netlink error"), said)

    def test_a_support_bundle_does_not_tell_what_devlink_says(self):
        folder = self.useFixture(fixtures.TempDir()).path
        said = str(self.assertRaises(NotKnownError, devlink.migratable_vfs, Sysfs(folder)))
        self.assertIn("support bundle", said)
