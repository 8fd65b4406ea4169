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

"""The guard's script is put into libvirt's folder whole, once, and over nobody else's file."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys

import fixtures
import testtools

from tests.unit.compute import domains
from vfio_lm.compute.commands.hook import NOT_INSTALLED
from vfio_lm.compute.guard.installation import Hook, HookError, HookState
from vfio_lm.compute.main import main

_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "HOME": "/"}
"""All that libvirt gives a hook."""
_XML = domains.domain("ffff:ff:1f.7").xml()


class HookCommandTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.hooks = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "hooks")
        self.path = self.hooks / "qemu.d" / "vfio-lm"

    def hook(self, action, *options):
        """Run the command; return its status, and its output or its error."""
        output, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
            status = main(["hook", action, "--hooks-dir", str(self.hooks), *options])
        return status, error.getvalue() or output.getvalue()

    def foreign(self, text="#!/bin/sh\n"):
        self.path.parent.mkdir(parents=True)
        self.path.write_text(text)
        self.path.chmod(0o755)


class TestInstall(HookCommandTestCase):
    def test_it_is_there_afterwards(self):
        status, text = self.hook("install")
        self.assertEqual(0, status)
        self.assertIn(f"{self.path}: written", text)
        self.assertEqual((0, f"{self.path}: installed\n"), self.hook("status"))
        self.assertEqual(0o755, self.path.stat().st_mode & 0o777)
        self.assertEqual(["qemu.d"], os.listdir(self.hooks))
        self.assertEqual(["vfio-lm"], os.listdir(self.path.parent))

    def test_the_first_hook_of_all_is_not_seen_before_a_restart(self):
        self.assertIn("restart libvirtd", self.hook("install")[1])

    def test_another_hook_is_seen_at_once(self):
        self.hooks.mkdir()
        (self.hooks / "qemu").write_text("#!/bin/sh\n")
        (self.hooks / "qemu").chmod(0o755)
        self.assertIn("Libvirt need not be restarted.", self.hook("install")[1])

    def test_twice_is_as_good_as_once(self):
        self.hook("install")
        before = self.path.stat()
        self.assertEqual((0, f"{self.path}: is installed already\n"), self.hook("install"))
        self.assertEqual(before.st_ino, self.path.stat().st_ino)

    def test_another_installations_script_is_replaced(self):
        Hook(self.hooks, "/opt/another/bin/python").install()
        status, text = self.hook("status")
        self.assertEqual(NOT_INSTALLED, status)
        self.assertIn("another installation", text)
        self.assertIn("replaced", self.hook("install")[1])
        self.assertEqual(0, self.hook("status")[0])

    def test_a_script_that_cannot_be_run_is_replaced(self):
        self.hook("install")
        self.path.chmod(0o644)
        self.assertEqual(NOT_INSTALLED, self.hook("status")[0])
        self.hook("install")
        self.assertEqual(0, self.hook("status")[0])

    def test_somebody_elses_file_stays(self):
        self.foreign()
        for action in ("install", "uninstall"):
            for options in ((), ("--dry-run",)):
                status, text = self.hook(action, *options)
                self.assertEqual(1, status)
                self.assertIn(f"{self.path}: was not written by vfio-lm-host", text)
        self.assertEqual("#!/bin/sh\n", self.path.read_text())
        self.assertEqual(NOT_INSTALLED, self.hook("status")[0])

    def test_a_dry_run_does_nothing(self):
        self.assertIn("would be written", self.hook("install", "--dry-run")[1])
        self.assertFalse(self.hooks.exists())
        self.hook("install")
        self.assertIn("would be removed", self.hook("uninstall", "--dry-run")[1])
        self.assertTrue(self.path.exists())

    def test_a_folder_that_is_none(self):
        self.hooks.write_text("")
        for action in ("install", "status", "uninstall"):
            status, text = self.hook(action)
            self.assertEqual(1, status)
            self.assertIn(f"{self.path}: cannot be read: Not a directory", text)

    def test_a_folder_in_the_scripts_place(self):
        self.path.mkdir(parents=True)
        self.assertRaises(HookError, Hook(self.hooks).install)


class TestUninstall(HookCommandTestCase):
    def test_it_is_gone_afterwards(self):
        self.hook("install")
        self.assertIn("removed", self.hook("uninstall")[1])
        self.assertFalse(self.path.exists())
        self.assertEqual((NOT_INSTALLED, f"{self.path}: not installed\n"), self.hook("status"))

    def test_twice_is_as_good_as_once(self):
        self.assertEqual((0, f"{self.path}: is not installed\n"), self.hook("uninstall"))


class TestScript(HookCommandTestCase):
    """The script itself, called as libvirt calls it."""

    def call(self, *arguments, xml=_XML):
        return subprocess.run(
            [self.path, *arguments],
            input=xml,
            env=_ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def assert_refuses(self, text):
        called = self.call("guest", "migrate", "begin", "-")
        self.assertEqual((1, ""), (called.returncode, called.stdout))
        self.assertIn(text, called.stderr)
        self.assertEqual(1, len(called.stderr.splitlines()), called.stderr)

    def assert_passes(self, *arguments, xml):
        called = self.call(*arguments, xml=xml)
        self.assertEqual((0, "", ""), (called.returncode, called.stdout, called.stderr))

    def test_it_refuses_a_device_that_is_not_there(self):
        self.hook("install")
        self.assert_refuses("guest cannot come: PCI device ffff:ff:1f.7 does not exist here")

    def test_it_lets_all_else_pass(self):
        self.hook("install")
        self.assert_passes("guest", "migrate", "begin", "-", xml=domains.domain().xml())
        self.assert_passes("guest", "prepare", "begin", "-", xml=_XML)

    def test_an_interpreter_with_blanks_in_its_path(self):
        python = self.hooks / "my python"
        self.hooks.mkdir()
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        Hook(self.hooks, str(python)).install()
        self.assert_passes("guest", "migrate", "begin", "-", xml=domains.domain().xml())

    def test_an_interpreter_that_is_gone_stops_servers_with_devices_only(self):
        gone = self.hooks / "bin/python"
        Hook(self.hooks, str(gone)).install()
        self.assert_refuses(f"{gone} is gone: install it again or remove it")
        without = "<domain><devices/></domain>"
        self.assert_passes("guest", "migrate", "begin", "-", xml=without)

    def test_a_package_that_is_gone_stops_servers_with_devices_only(self):
        bare = "/usr/bin/python3"
        if not os.path.exists(bare) or os.path.samefile(bare, sys.executable):
            self.skipTest(f"needs an interpreter without this package as {bare}")
        Hook(self.hooks, bare).install()
        self.assert_refuses("No module named 'vfio_lm'")
        without = "<domain><devices/></domain>"
        self.assert_passes("guest", "migrate", "begin", "-", xml=without)

    def test_the_state_is_of_this_interpreter(self):
        Hook(self.hooks).install()
        self.assertEqual(HookState.CURRENT, Hook(self.hooks).state())
        self.assertEqual(HookState.OTHER, Hook(self.hooks, "/usr/bin/false").state())
