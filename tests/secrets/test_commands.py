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

"""No command shows a password that a broken nova.conf has at a wrong place."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import logging
import pathlib
import tarfile
from unittest import mock

import fixtures
import requests_mock
import testtools
from osc_lib import exceptions

from osc_vfio_lm import command, hooks
from osc_vfio_lm.report import CreateReport
from tests import sysfs_tree
from tests.secrets.broken_files import BROKEN, SOUND, traces
from tests.unit.cloud import clouds
from vfio_lm.compute.main import main

_GROUP = "openstack.vfio.v1"

#: What each command that reads a nova.conf is given besides; several runs of some.
_ARGUMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "vfio_alias_create": (
        ("new", "--resource-class", "A", "--device-type", "type-VF", "--live-migratable", "yes"),
    ),
    "vfio_alias_list": (("-f", "json"), ("--long",)),
    "vfio_alias_show": (("vf",), ("vf", "--long")),
    "vfio_alias_validate": ((), ("--long", "-f", "csv"), ("--fix",)),
    "vfio_doctor": ((), ("-f", "json")),
    "vfio_flavor_create": (("new", "--ram", "1", "--alias", "vf", "--dry-run"),),
    "vfio_flavor_list": (("--long",),),
    "vfio_flavor_set": (("m1", "--alias", "vf", "--dry-run"),),
    "vfio_flavor_show": (("m1",),),
    "vfio_host_drain": (("compute1",),),
    "vfio_migration_check": (("a", "-f", "json"), ("a", "--long")),
    "vfio_migration_explain": (("a",),),
    "vfio_migration_start": (("a",),),
    "vfio_provider_audit": ((),),
    "vfio_provider_sync": (("--dry-run",),),
    "vfio_report": ((),),
    "vfio_server_list": (("--long",),),
    "vfio_server_upgrade-plan": ((),),
}


class SecretsTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF"))
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.files: dict[str, pathlib.Path] = {}
        for number, (name, text) in enumerate({**BROKEN, "sound": SOUND}.items()):
            path = self.folder / f"file{number}.conf"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            self.files[name] = path

    def assert_no_secret(self, where: object, *texts: str | bytes) -> None:
        for text in texts:
            self.assertEqual([], traces(text), where)


class TestOpenstackVfio(SecretsTestCase):
    def setUp(self) -> None:
        super().setUp()
        # A cloud that is there and answers no question.
        mocker = requests_mock.Mocker()
        mocker.start()
        self.addCleanup(mocker.stop)
        mocker.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=503, text="later")
        self.connection = clouds.mocked(mocker, **clouds.ALL)

    def run_command(self, kind: type[command.Command], arguments: tuple[str, ...]) -> str:
        """Return all that a command writes."""
        output, errors = io.StringIO(), io.StringIO()
        app = mock.Mock(stdout=output, stderr=errors, interactive_mode=False)
        app.client_manager.sdk_connection = self.connection
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            made = kind(app, None)
            try:
                made.run(made.get_parser("command").parse_args(arguments))
            except (exceptions.CommandError, SystemExit) as exc:
                errors.write(str(exc))
        return output.getvalue() + errors.getvalue()

    def test_every_command_that_reads_a_nova_conf_is_here(self) -> None:
        readers = set()
        for entry in importlib.metadata.entry_points(group=_GROUP):
            parser = entry.load()(mock.Mock(), None).get_parser("command")
            if any("--nova-conf" in action.option_strings for action in parser._actions):
                readers.add(entry.name)
        self.assertEqual(set(_ARGUMENTS), readers)

    def test_no_command_shows_a_password(self) -> None:
        kinds = {e.name: e.load() for e in importlib.metadata.entry_points(group=_GROUP)}
        for name, runs in _ARGUMENTS.items():
            kind = kinds[name]
            parser = kind(mock.Mock(), None).get_parser("command")
            of_hosts = any("--nova-conf-dir" in a.option_strings for a in parser._actions)
            for broken, path in self.files.items():
                files: tuple[str, ...] = ("--nova-conf", str(path))
                if of_hosts:
                    files += ("--nova-conf", f"compute1={path}")
                for number, arguments in enumerate(runs):
                    if name == "vfio_report":
                        arguments = ("--output", str(self.folder / f"{path.name}{number}.tar.gz"))
                    said = self.run_command(kind, (*arguments, *files))
                    self.assertNotIn("Traceback", said)
                    self.assert_no_secret((name, broken), said)
        self.assert_no_secret("the log", self.log.output)

    def test_no_part_of_a_report_holds_a_password(self) -> None:
        file = self.folder / "report.tar.gz"
        hosts = [f"--nova-conf=host{n}={path}" for n, path in enumerate(self.files.values())]
        for api in self.files.values():
            said = self.run_command(
                CreateReport,
                ("--output", str(file), "--nova-conf", str(api), "--server", "a", *hosts),
            )
            self.assert_no_secret(api, said)
            hosts = []  # once is enough
            with tarfile.open(file) as archive:
                for member in archive:
                    content = archive.extractfile(member).read()
                    self.assert_no_secret((api, member.name), content)
            file.unlink()

    def test_a_report_shows_what_is_sound(self) -> None:
        file = self.folder / "report.tar.gz"
        names = ("sound", "a stray URL", "an indented URL below an alias")
        hosts = [f"--nova-conf=host{n}={self.files[name]}" for n, name in enumerate(names)]
        self.run_command(CreateReport, ("--output", str(file), *hosts))
        with tarfile.open(file) as archive:
            shown = {
                pathlib.PurePath(member.name).name: archive.extractfile(member).read().decode()
                for member in archive
            }
        for name in ("host0.conf", "host1.conf", "host2.conf"):
            self.assertIn("live_migration_downtime = 500\n", shown[name])
            self.assertIn('device_spec = {"vendor_id": "8086"', shown[name])
        self.assertIn('alias = {"name": "vf"', shown["host1.conf"])
        self.assertIn("[pci]alias is not shown", shown["host2.conf"])
        parts = {part["name"] for part in json.loads(shown["manifest.json"])["parts"]}
        self.assertIn("nova-conf/host2.conf", parts)

    def test_the_hook_of_server_migrate_shows_no_password(self) -> None:
        for broken, path in self.files.items():
            self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF", str(path)))
            app = mock.Mock(stderr=io.StringIO(), interactive_mode=False)
            app.client_manager.sdk_connection = self.connection
            hook = hooks.PreflightOfServerMigrate(mock.Mock(app=app))
            server = mock.Mock(id="a", extra_specs=None)
            with mock.patch("vfio_lm.cloud.nova.MigrationClient.of") as client:
                client.return_value.own_server.return_value = server
                with contextlib.suppress(SystemExit):
                    hook.before(mock.Mock(live_migration=True, vfio_preflight=None, host=None))
            self.assertNotEqual("", app.stderr.getvalue())
            self.assert_no_secret(broken, app.stderr.getvalue())


class TestVfioLmHost(SecretsTestCase):
    def test_probe_shows_no_password(self) -> None:
        root = self.folder / "root"
        sysfs_tree.mlx5(sysfs_tree.SysfsTree(root), "0000:81:00.0")
        for broken, path in self.files.items():
            for form in ("table", "json"):
                output, errors = io.StringIO(), io.StringIO()
                arguments = ("probe", "-f", form, "--sysfs", str(root), "--nova-conf", str(path))
                with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                    main(arguments)
                self.assert_no_secret(broken, output.getvalue(), errors.getvalue())
