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

"""``vfio-lm-host hook`` says what it did and what is left to do; its exit status says the same."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import fixtures
import testtools

from tests.unit.compute import domains
from tests.unit.compute.runs import run
from vfio_lm.compute.commands.hook import NOT_WORKING
from vfio_lm.compute.guard.script import render

_XML = domains.domain("ffff:ff:1f.7").xml()


class HookCommandCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.hooks = self.folder / "hooks"
        self.path = self.hooks / "qemu.d" / "vfio-lm"
        # This machine may run others.
        daemons = "vfio_lm.compute.commands.hook.running_daemons"
        self.useFixture(fixtures.MockPatch(daemons, return_value=[]))

    def hook(self, action: str, *options: str) -> tuple[int, str]:
        """Run the command; return its status, and its error or its output."""
        status, output, error = run("hook", action, "--hooks-dir", self.hooks, *options)
        return status, error or output

    def foreign(self, text: str = "#!/bin/sh\n") -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_text(text)
        self.path.chmod(0o755)


class TestInstall(HookCommandCase):
    def test_it_is_there_afterwards(self) -> None:
        status, text = self.hook("install")
        self.assertEqual(0, status)
        self.assertIn(f"{self.path}: written\n{self.path}: installed\n", text)
        self.assertIn(f"{self.path}: installed\n", self.hook("status")[1])

    def test_twice_is_as_good_as_once(self) -> None:
        self.hook("install")
        before = self.path.stat()
        status, text = self.hook("install")
        self.assertEqual(0, status)
        self.assertIn(f"{self.path}: is installed already\n", text)
        self.assertEqual(before.st_ino, self.path.stat().st_ino)

    def test_another_interpreter(self) -> None:
        self.hook("install")
        self.assertIn("replaced", self.hook("install", "--python", "python3")[1])
        self.assertIn("\npython=python3\n", self.path.read_text())
        self.assertIn(f"{self.path}: installed\n", self.hook("status")[1])

    def test_another_releases_script_is_replaced(self) -> None:
        self.foreign(render() + "# older\n")
        status, text = self.hook("status")
        self.assertEqual(NOT_WORKING, status)
        self.assertIn("another release", text)
        self.assertIn("replaced", self.hook("install")[1])
        self.assertIn(f"{self.path}: installed\n", self.hook("status")[1])

    def test_a_script_that_cannot_be_run_is_replaced(self) -> None:
        self.hook("install")
        self.path.chmod(0o644)
        self.assertEqual(NOT_WORKING, self.hook("status")[0])
        self.hook("install")
        self.assertIn(f"{self.path}: installed\n", self.hook("status")[1])

    def test_somebody_elses_file_stays(self) -> None:
        self.foreign()
        for action in ("install", "uninstall"):
            for options in ((), ("--dry-run",)):
                status, text = self.hook(action, *options)
                self.assertEqual(1, status)
                self.assertIn(f"{self.path}: was not written by vfio-lm-host", text)
        self.assertEqual("#!/bin/sh\n", self.path.read_text())
        self.assertEqual(NOT_WORKING, self.hook("status")[0])

    def test_a_dry_run_does_nothing(self) -> None:
        self.assertIn("would be written", self.hook("install", "--dry-run")[1])
        self.assertFalse(self.hooks.exists())
        self.hook("install")
        self.assertIn("is installed already", self.hook("install", "--dry-run")[1])
        self.assertIn("would be removed", self.hook("uninstall", "--dry-run")[1])
        self.assertTrue(self.path.exists())

    def test_an_interpreter_that_does_not_work(self) -> None:
        status, text = self.hook("install", "--python", "/bin/true")
        self.assertEqual(1, status)
        self.assertIn("not installed: the guard does not refuse", text)
        self.assertEqual(NOT_WORKING, self.hook("status")[0])

    def test_a_folder_that_is_none(self) -> None:
        self.hooks.write_text("")
        for action in ("install", "status", "uninstall"):
            status, text = self.hook(action)
            self.assertEqual(1, status)
            self.assertIn(f"{self.path}: cannot be read: Not a directory", text)


class TestUninstall(HookCommandCase):
    def test_it_is_gone_afterwards(self) -> None:
        self.hook("install")
        self.assertIn("removed", self.hook("uninstall")[1])
        self.assertFalse(self.path.exists())
        self.assertEqual((NOT_WORKING, f"{self.path}: not installed\n"), self.hook("status"))

    def test_twice_is_as_good_as_once(self) -> None:
        self.assertEqual((0, f"{self.path}: is not installed\n"), self.hook("uninstall"))


class TestRender(HookCommandCase):
    def test_it_is_printed(self) -> None:
        self.assertEqual((0, render(), ""), run("hook", "render"))

    def test_it_works_as_a_file(self) -> None:
        path = self.folder / "qemu"
        done = run("hook", "render", "--python", sys.executable, "--output", path)
        self.assertEqual((0, "", ""), done)
        called = subprocess.run(
            [path, "vfio-lm-trial", "migrate", "begin", "-"],
            input=_XML,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((1, ""), (called.returncode, called.stdout))
        self.assertIn("PCI device ffff:ff:1f.7 does not exist on this host", called.stderr)
