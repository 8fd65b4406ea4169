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

"""``openstack vfio provider …`` against a placement in memory: what it shows, refuses, returns."""

import io
import json
import logging
import pathlib
import tempfile
from unittest import mock

import fixtures
import testtools
from osc_lib import exceptions

from osc_vfio_lm import provider as commands
from tests.unit.placement_sync.fleet import (
    LIVE,
    MANAGED,
    NO,
    NOT_LIVE,
    YES,
    Placement,
    facts,
    of_nova,
    provider,
    root,
    vf,
)


class CommandTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))

    def serve(self, *providers):
        self.placement = Placement(*providers)
        self.addCleanup(self.placement.start().stop)

    def write(self, name, *specs, more=""):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{more}[pci]\ndevice_spec = {json.dumps(specs)}\n")
        return str(path)

    def run_command(self, command_class, *arguments):
        """Return exit status and rows."""
        app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO())
        command = command_class(app, None)
        parser = command.get_parser("openstack")
        with (
            mock.patch("vfio_lm.cloud.http.catalogue.adapter") as adapter,
            # what nova says is tested with a real one
            mock.patch.object(commands.AuditProvider, "_strays", return_value=()),
        ):
            adapter.return_value = self.placement.adapter
            status = command.run(parser.parse_args(["-f", "json", *arguments]))
        self.said = app.stderr.getvalue()
        return status, json.loads(app.stdout.getvalue())

    def in_folder(self, command_class, *arguments):
        return self.run_command(command_class, "--nova-conf-dir", str(self.folder), *arguments)

    def refusal(self, *arguments, command=commands.SyncProvider):
        return str(
            self.assertRaises(exceptions.CommandError, self.run_command, command, *arguments)
        )


class TestSync(CommandTestCase):
    def setUp(self):
        super().setUp()
        self.serve(root("compute1", "CUSTOM_BLUE"), root("compute2", LIVE))
        self.write("compute1.conf", YES)
        self.write("compute2.conf", NO)

    def test_it_shows_what_it_wrote_and_then_has_nothing_to_do(self):
        status, rows = self.in_folder(commands.SyncProvider)
        self.assertEqual(0, status)
        shown = [(row["Subject"], row["Add"], row["Remove"], row["Durable"]) for row in rows]
        self.assertEqual(
            [("compute1", [LIVE], [], "yes"), ("compute2", [NOT_LIVE], [LIVE], "yes")],
            sorted(shown),
        )
        self.assertEqual({"CUSTOM_BLUE", LIVE}, self.placement.of("compute1"))
        self.assertEqual((0, []), self.in_folder(commands.SyncProvider))
        self.assertEqual("nothing to do, of 2 providers\n", self.said)

    def test_a_dry_run_shows_the_same_and_writes_nothing(self):
        planned = self.in_folder(commands.SyncProvider, "--dry-run")
        self.assertEqual({"CUSTOM_BLUE"}, self.placement.of("compute1"))
        self.assertEqual(planned, self.in_folder(commands.SyncProvider))

    def test_only_the_hosts_that_are_named(self):
        self.in_folder(commands.SyncProvider, "--host", "compute1")
        self.assertEqual({LIVE}, self.placement.of("compute2"))
        self.assertIn(LIVE, self.placement.of("compute1"))

    def test_one_host_by_its_file(self):
        conf = f"compute2={self.folder / 'compute2.conf'}"
        _, rows = self.run_command(commands.SyncProvider, "--nova-conf", conf)
        self.assertEqual(["compute2"], [row["Host"] for row in rows])

    def test_facts(self):
        folder = self.folder / "facts"
        folder.mkdir()
        blunt = facts(vf(driver="vfio-pci")).to_json()
        (folder / "compute1.json").write_text(blunt)
        conf = f"compute1={self.folder / 'compute1.conf'}"
        for files in (("--nova-conf-dir", str(self.folder)), ("--nova-conf", conf)):
            for path in (folder, folder / "compute1.json"):
                arguments = (*files, "--host", "compute1", "--host-facts", str(path))
                self.assertEqual([], self.run_command(commands.SyncProvider, *arguments)[1])

    def test_one_bad_file_does_not_stop_the_others_and_is_no_success(self):
        (self.folder / "compute2.conf").write_text("[pci]\ndevice_spec = {\n")
        status, rows = self.in_folder(commands.SyncProvider)
        self.assertEqual((1, ["compute1"]), (status, [row["Subject"] for row in rows]))
        self.assertIn("compute2.conf", self.log.output)

    def test_placement_is_down(self):
        self.placement.status = 503
        status, rows = self.in_folder(commands.SyncProvider)
        self.assertEqual((1, []), (status, rows))
        self.assertIn("503", self.log.output)

    def test_bad_input(self):
        folder = str(self.folder)
        conf = str(self.folder / "compute1.conf")
        empty = self.folder / "empty"
        empty.mkdir()
        for arguments, words in (
            (("--nova-conf-dir", folder, "--host", "compute9"), ("compute9", "compute1, compute2")),
            (("--nova-conf-dir", str(empty)), ("<hostname>.conf",)),
            ((), ("--nova-conf HOST=FILE", "--nova-conf-dir")),
            (("--nova-conf-dir", f"{folder}/gone"), ("cannot be read",)),
            (("--nova-conf", conf), ("--nova-conf HOST=FILE",)),
            (
                ("--nova-conf", f"a={conf}", "--host-facts", f"{folder}/gone"),
                ("gone", "cannot be read"),
            ),
            (("--nova-conf-dir", folder, "--nova-conf", f"{folder}/gone"), ("gone",)),
        ):
            refusal = self.refusal(*arguments)
            for word in words:
                self.assertIn(word, refusal)
        self.assertEqual([], self.placement.requests)


class TestAudit(CommandTestCase):
    def test_no_drift(self):
        self.serve(root("compute1", LIVE), of_nova(LIVE))
        self.write("compute1.conf", YES)
        self.assertEqual((0, []), self.in_folder(commands.AuditProvider))

    def test_drift_says_what_to_do_and_changes_nothing(self):
        before_34 = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        self.serve(root("compute1", NOT_LIVE), before_34)
        conf = self.write("compute1.conf", YES)
        status, rows = self.in_folder(commands.AuditProvider)
        self.assertEqual(2, status)
        self.assertEqual(
            [
                ("missing", "compute1", "yes", conf),
                ("extra", "compute1", "yes", conf),
                ("missing", "compute1_0000:81:00.0", "no", f"{conf}:2"),
            ],
            [(row["Drift"], row["Subject"], row["Durable"], row["Where"]) for row in rows],
        )
        self.assertIn("provider sync", rows[0]["Remedy"])
        self.assertIn('add "traits"', rows[2]["Remedy"])
        self.assertEqual({NOT_LIVE}, self.placement.of("compute1"))

    def test_half_an_audit_is_none(self):
        self.serve(root())
        self.write("compute1.conf", YES)
        (self.folder / "compute2.conf").write_text("")
        refusal = self.refusal("--nova-conf-dir", str(self.folder), command=commands.AuditProvider)
        self.assertIn("compute2.conf", refusal)

    def test_placement_is_down(self):
        self.serve(root())
        self.placement.status = 503
        self.write("compute1.conf", YES)
        folder = str(self.folder)
        self.assertIn(
            "503", self.refusal("--nova-conf-dir", folder, command=commands.AuditProvider)
        )
