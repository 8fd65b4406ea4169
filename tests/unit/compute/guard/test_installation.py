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

"""The script is put into a folder whole and tried out, or not at all; nothing else is touched."""

from __future__ import annotations

import os
import pathlib
import sys

import fixtures
import testtools

from vfio_lm.compute.guard.installation import (
    Hook,
    HookError,
    HookState,
    InstalledScript,
    own_python,
    python_of,
)
from vfio_lm.compute.guard.script import render


class HookCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.hooks = self.folder / "hooks"
        self.hook = Hook(self.hooks)
        self.path = self.hook.path

    def foreign(self, text: str = "#!/bin/sh\n") -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_text(text)
        self.path.chmod(0o755)

    def refusal(self, python: str | None = None) -> str:
        before = sorted(self.folder.rglob("*"))
        error = self.assertRaises(HookError, self.hook.install, python or own_python())
        left = set(self.folder.rglob("*")) - {*before, self.hooks, self.path.parent}
        self.assertEqual(set(), left)
        return str(error)


class TestInstall(HookCase):
    def test_it_is_there_alone_and_executable(self) -> None:
        self.hook.install(own_python())
        self.assertIs(HookState.CURRENT, self.hook.state())
        self.assertEqual(0o755, self.path.stat().st_mode & 0o777)
        self.assertEqual(["qemu.d"], os.listdir(self.hooks))
        self.assertEqual(["vfio-lm"], os.listdir(self.path.parent))

    def test_somebody_elses_file_stays(self) -> None:
        self.foreign()
        self.assertIn("was not written by vfio-lm-host", self.refusal())
        self.assertRaises(HookError, self.hook.uninstall)
        self.assertEqual("#!/bin/sh\n", self.path.read_text())

    def test_a_folder_or_a_pipe_in_its_place(self) -> None:
        self.path.mkdir(parents=True)
        self.assertIn("is a folder", self.refusal())
        self.path.rmdir()
        os.mkfifo(self.path)
        self.assertIn("is a pipe", self.refusal())

    def test_an_interpreter_that_does_not_work_is_not_put_in_its_place(self) -> None:
        for python, expected in (
            (str(self.folder / "gone"), "exit status 127"),
            ("/bin/true", "does not run with /bin/true, exit status 0"),
            ("/bin/sh", "does not run with /bin/sh"),
        ):
            self.assertIn(f"{self.path}: not installed: the guard does not", self.refusal(python))
            self.assertIn(expected, self.refusal(python))

    def test_a_working_guard_is_not_replaced_by_one_that_does_not_work(self) -> None:
        self.hook.install(own_python())
        before = self.path.read_text()
        self.refusal("/bin/true")
        self.assertEqual(before, self.path.read_text())


class TestTrust(HookCase):
    def test_an_interpreter_that_others_may_write_to(self) -> None:
        python = self.folder / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o757)
        self.assertIn(f"{python}: others than its owner may write to it", self.refusal(str(python)))
        self.folder.chmod(0o770)
        python.chmod(0o755)
        self.assertIn(f"{self.folder}: others than its owner", self.refusal(str(python)))
        self.folder.chmod(0o700)
        self.hook.install(str(python))
        self.assertIs(HookState.CURRENT, self.hook.state())

    def test_a_standard_library_that_others_may_write_to(self) -> None:
        python = self.folder / "bin" / "python3.11"
        library = self.folder / "lib" / "python3.11"
        for folder in (python.parent, library / "encodings", library / "site-packages"):
            folder.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        files = [library / "os.py", library / "encodings" / "utf_8.py"]
        settings = self.folder / "pyvenv.cfg"
        for file in (*files, settings, library / "site-packages" / "not-read.pth"):
            file.touch()
        (library / "site-packages" / "not-read.pth").chmod(0o666)
        self.hook.install(str(python))
        for path in (*files, settings, library, library / "encodings"):
            mode = path.stat().st_mode
            path.chmod(0o777)
            self.assertIn(f"{path}: others than its owner", self.refusal(str(python)))
            path.chmod(mode)
        (library / "link.py").symlink_to(self.folder / "elsewhere.py")
        self.hook.install(str(python))
        (self.folder / "elsewhere.py").touch()
        (self.folder / "elsewhere.py").chmod(0o666)
        self.assertIn(f"{self.folder / 'elsewhere.py'}: others", self.refusal(str(python)))

    def test_a_folder_of_hooks_that_others_may_write_to(self) -> None:
        self.path.parent.mkdir(parents=True)
        for folder in (self.path.parent, self.hooks):
            folder.chmod(0o775)
            self.assertIn(f"{folder}: others than its owner may write to it", self.refusal())
            folder.chmod(0o755)

    def test_a_package_that_others_may_write_to(self) -> None:
        source = self.folder / "hook.py"
        source.touch(0o666)
        source.chmod(0o666)
        files = "vfio_lm.compute.guard.installation.source_files"
        self.useFixture(fixtures.MockPatch(files, return_value=(str(source),)))
        self.assertIn(f"{source}: others than its owner may write to it", self.refusal())


class TestState(HookCase):
    def test_whatever_interpreter_it_names(self) -> None:
        self.foreign(render("/usr/libexec/platform-python"))
        self.assertIs(HookState.CURRENT, self.hook.state())

    def test_another_releases(self) -> None:
        self.foreign(render("python3") + "# older\n")
        self.assertIs(HookState.OTHER, self.hook.state())

    def test_one_that_cannot_be_run(self) -> None:
        self.foreign(render("python3"))
        self.path.chmod(0o644)
        self.assertIs(HookState.OTHER, self.hook.state())

    def test_none_and_somebody_elses(self) -> None:
        self.assertIs(HookState.ABSENT, self.hook.state())
        self.foreign()
        self.assertIs(HookState.FOREIGN, self.hook.state())

    def test_the_interpreter_is_read_back(self) -> None:
        for python in ("python3", "/usr/bin/python3.11", "/my 'own' python"):
            self.assertEqual(python, python_of(render(python)))
        self.assertIsNone(python_of("python='\n"))
        self.assertIsNone(python_of("#!/bin/sh\n"))

    def test_a_file_without_an_end(self) -> None:
        self.path.parent.mkdir(parents=True)
        with self.path.open("wb") as sparse:
            sparse.truncate(1 << 40)
        self.assertIs(HookState.FOREIGN, InstalledScript(self.path).state())
