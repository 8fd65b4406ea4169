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

"""Which daemons run, and what each of them sees, told by a made-up /proc."""

from __future__ import annotations

import os
import pathlib
import time

import fixtures
import testtools

from vfio_lm.compute.guard.daemon import CALLED, HOOKS, Daemon, running_daemons

_TICKS = os.sysconf("SC_CLK_TCK")


class ProcCase(testtools.TestCase):
    """Has a /proc with an own process and as many daemons as a test adds."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.proc = self.folder / "proc"
        self.booted_at = int(time.time()) - 1000
        (self.proc / "self/ns").mkdir(parents=True)
        (self.proc / "self/ns/mnt").symlink_to("mnt:[1]")
        (self.proc / "stat").write_text(f"cpu 1 2 3\nbtime {self.booted_at}\n")
        (self.proc / "meminfo").write_text("")

    def add(
        self, pid: int, name: str = "libvirtd", mounts: int = 2, seconds: float = 10.0
    ) -> pathlib.Path:
        """Add a process that started some seconds after the boot; return its root folder."""
        root = self.folder / f"root{pid}"
        root.mkdir()
        process = self.proc / str(pid)
        (process / "ns").mkdir(parents=True)
        (process / "ns/mnt").symlink_to(f"mnt:[{mounts}]")
        (process / "comm").write_text(f"{name}\n")
        fields = ["S", "1", *["0"] * 17, str(int(seconds * _TICKS)), "0"]
        (process / "stat").write_text(f"{pid} ({name} 1) 2) {' '.join(fields)}\n")
        (process / "root").symlink_to(root)
        return root

    def daemon(self) -> Daemon:
        (only,) = running_daemons(str(self.proc))
        return only

    def write(self, root: pathlib.Path, path: str, *, seconds: float, mode: int = 0o755) -> None:
        """Write a file that is some seconds younger than the boot."""
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        file.chmod(mode)
        os.utime(file, (self.booted_at + seconds,) * 2)


class TestRunning(ProcCase):
    def test_both_daemons_of_libvirt_and_no_other_process(self) -> None:
        self.add(30, "virtqemud")
        self.add(7, "libvirtd")
        self.add(8, "qemu-system-x86")
        self.add(9, "virtlogd")
        found = [str(each) for each in running_daemons(str(self.proc))]
        self.assertEqual(["libvirtd (process 7)", "virtqemud (process 30)"], found)

    def test_a_process_that_has_just_ended_is_none(self) -> None:
        (self.proc / "31").mkdir()
        self.assertEqual([], running_daemons(str(self.proc)))

    def test_this_machines(self) -> None:
        self.assertNotIn(os.getpid(), [each.pid for each in running_daemons()])

    def test_when_it_started(self) -> None:
        self.add(7, seconds=2.5)
        self.assertEqual(self.booted_at + 2.5, self.daemon().started_at)
        own = Daemon("testr", os.getpid()).started_at
        self.assertTrue(own <= time.time() + 1, own)


class TestView(ProcCase):
    def test_a_daemon_with_the_same_mounts_has_the_same_paths(self) -> None:
        self.add(7, mounts=1)
        self.assertEqual("/etc/x", self.daemon().path_of("/etc/x"))
        self.assertEqual(("/hooks",), self.daemon().hooks_of("/hooks"))

    def test_a_daemon_with_mounts_of_its_own_is_looked_at_through_its_root(self) -> None:
        self.add(7)
        self.assertEqual(f"{self.proc}/7/root/etc/x", self.daemon().path_of("/etc/x"))
        self.assertEqual(("/hooks", HOOKS), self.daemon().hooks_of("/hooks"))
        self.assertEqual((HOOKS,), self.daemon().hooks_of(HOOKS))

    def test_only_the_very_same_folder_is_shared(self) -> None:
        root = self.add(7)
        folder = self.folder / "hooks"
        folder.mkdir()
        self.assertFalse(self.daemon().shares(str(folder), "/hooks"))
        (root / "hooks").mkdir()
        self.assertFalse(self.daemon().shares(str(folder), "/hooks"))
        (root / "hooks").rmdir()
        (root / "hooks").symlink_to(folder)  # as a bind mount would show it
        self.assertTrue(self.daemon().shares(str(folder), "/hooks"))

    def test_without_rights_nothing_is_told(self) -> None:
        self.add(7)
        (self.proc / "7/ns/mnt").unlink()
        self.assertRaises(OSError, self.daemon().path_of, "/etc/x")


class TestHooksFound(ProcCase):
    """Files cannot be older than they are here: the daemon starts in the future, or long ago."""

    def found(self, *, seconds: float, path: str, mode: int = 0o755) -> bool:
        root = self.add(7, seconds=seconds)
        self.write(root, f"{HOOKS}/{path}", seconds=0, mode=mode)
        return self.daemon().has_found_hooks(HOOKS)

    def test_a_hook_that_was_there_before_the_daemon(self) -> None:
        self.assertTrue(self.found(seconds=5000, path="qemu"))

    def test_so_was_one_in_the_folder(self) -> None:
        self.assertTrue(self.found(seconds=5000, path="qemu.d/other"))

    def test_a_younger_hook(self) -> None:
        self.assertFalse(self.found(seconds=10, path="qemu.d/vfio-lm"))

    def test_a_file_that_is_not_executable(self) -> None:
        self.assertFalse(self.found(seconds=5000, path="qemu", mode=0o644))

    def test_another_drivers_hook(self) -> None:
        self.assertFalse(self.found(seconds=5000, path="network"))

    def test_a_call(self) -> None:
        root = self.add(7)
        self.assertIsNone(self.daemon().last_call())
        self.write(root, CALLED, seconds=50)
        self.assertEqual(self.booted_at + 50, self.daemon().last_call())
