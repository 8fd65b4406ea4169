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

"""The hook of ``openstack server migrate``, where the shell itself is in the way of a test."""

import argparse
import dataclasses
import io
from unittest import mock

import testtools
from osc_lib import exceptions

from osc_vfio_lm.hooks import PreflightOfServerMigrate
from tests.unit.migration.records import check_result, report
from vfio_lm.cloud.model import OwnServer
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.errors import ForbiddenError, NotFoundError
from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
from vfio_lm.preflight import Status

WITH_VF = OwnServer("id-of-vm", "vm", {ALIAS_EXTRA_SPEC: "vf:1"})
BLOCKED = report(check_result("alias-live-migratable", Status.FAIL))


class HookTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        environment = mock.patch.dict("os.environ", OS_VFIO_NOVA_CONF="")
        environment.start()
        self.addCleanup(environment.stop)
        self.app = mock.Mock(stderr=io.StringIO(), interactive_mode=False)
        self.hook = PreflightOfServerMigrate(mock.Mock(app=self.app))

    def before(self, *arguments, server=WITH_VF, found=BLOCKED):
        """Run the hook; return what it looked at."""
        parser = argparse.ArgumentParser()
        for option in ("--live-migration", "--wait"):
            parser.add_argument(option, action="store_true")
        parser.add_argument("--host")
        parser.add_argument("server")
        self.hook.get_parser(parser)
        parsed = self.parsed = parser.parse_args([*arguments, "vm"])
        client = mock.create_autospec(MigrationClient, instance=True)
        self.own_server = client.own_server
        self.own_server.side_effect = [server]
        with (
            mock.patch.object(MigrationClient, "of", return_value=client),
            mock.patch("vfio_lm.preflight.check_with", side_effect=[found]) as self.check,
        ):
            self.assertIs(parsed, self.hook.before(parsed))
        return self.app.stderr.getvalue()


class TestHook(HookTestCase):
    def test_blocked_ends_with_status_2(self):
        end = self.assertRaises(SystemExit, self.before, "--live-migration")
        self.assertEqual(2, end.code)
        self.assertIn("alias-live-migratable", self.app.stderr.getvalue())

    def test_the_interactive_shell_goes_on(self):
        self.app.interactive_mode = True
        self.assertRaises(exceptions.CommandError, self.before, "--live-migration")

    def test_the_host_is_passed_on(self):
        said = self.before("--live-migration", "--host", "compute2", found=report())
        self.assertEqual("", said)
        self.assertEqual("id-of-vm", self.check.call_args.args[1])
        self.assertEqual("compute2", self.check.call_args.kwargs["host"])

    def test_a_ready_host_is_named_where_nova_might_choose_another(self):
        compute = self.app.client_manager.compute
        found = report(check_result("post-copy-off", Status.FAIL, host="compute2"))
        for supports in (True, False):
            with mock.patch("openstack.utils.supports_microversion", return_value=supports):
                self.assertIn("Naming compute3", self.before("--live-migration", found=found))
            self.assertEqual("compute3", self.parsed.host)
        self.assertEqual("2.30", compute.default_microversion)

    def test_what_might_end_in_error_ends_with_status_3(self):
        unknown = check_result("numa", Status.UNKNOWN)
        harmful = report(dataclasses.replace(unknown, may_end_in_error=True))
        end = self.assertRaises(SystemExit, self.before, "--live-migration", found=harmful)
        self.assertEqual(3, end.code)

    def test_nothing_is_asked_for_where_nothing_is_wanted(self):
        for arguments in ((), ("--wait",), ("--live-migration", "--vfio-preflight", "skip")):
            self.assertEqual("", self.before(*arguments))
            self.own_server.assert_not_called()

    def test_servers_without_devices_go_without_a_preflight(self):
        without = OwnServer("id-of-vm", "vm", {"hw:cpu_sockets": "1"})
        self.assertEqual("", self.before("--live-migration", server=without))
        self.check.assert_not_called()

    def test_extra_specs_that_are_hidden_may_hold_an_alias(self):
        hidden = OwnServer("id-of-vm", "vm", None)
        self.before("--live-migration", server=hidden, found=report())
        self.check.assert_called_once()

    def test_what_the_command_will_say_itself_is_not_said_twice(self):
        self.assertEqual("", self.before("--live-migration", server=NotFoundError("no vm")))

    def test_a_preflight_that_cannot_be_done_stops_nothing(self):
        for fields in (
            {"found": ForbiddenError("403")},
            {"found": NotFoundError("403")},
            {"server": ForbiddenError("403")},
        ):
            said = self.before("--live-migration", **fields)
            self.assertIn("The preflight could not be done, so nova decides alone: 403", said)

    def test_a_result_is_left_as_it_is(self):
        self.assertEqual(7, self.hook.after(argparse.Namespace(), 7))
