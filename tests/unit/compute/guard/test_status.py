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

"""The status says whether each daemon runs the guard; with real ones: tests.libvirt.test_status."""

from __future__ import annotations

import os

import fixtures

from tests.unit.compute.guard.test_daemon import ProcCase
from vfio_lm.compute.guard.daemon import CALLED, HOOKS, running_daemons
from vfio_lm.compute.guard.installation import Hook, own_python
from vfio_lm.compute.guard.script import render
from vfio_lm.compute.guard.status import Remark, look_at
from vfio_lm.compute.guard.trial import TrialError

_SCRIPT = f"{HOOKS}/qemu.d/vfio-lm"


class TestStatus(ProcCase):
    def setUp(self) -> None:
        super().setUp()
        self.hook = Hook(self.folder / "hooks")
        self.tried: list[tuple[str, str]] = []
        self.failure: TrialError | None = None
        self.useFixture(fixtures.MonkeyPatch("vfio_lm.compute.guard.status.try_out", self.try_out))

    def try_out(self, script: str, root: str = "/") -> None:
        self.tried.append((script, root))
        if self.failure is not None:
            raise self.failure

    def install(self, root: object = None, path: str = _SCRIPT, text: str | None = None) -> None:
        """Put the guard into the host's folder, or to where a daemon sees it."""
        file = self.hook.path if root is None else self.folder / f"{root}{path}"
        file.parent.mkdir(parents=True)
        file.write_text(render(own_python()) if text is None else text)
        file.chmod(0o755)

    def remarks(self) -> list[Remark]:
        return list(look_at(self.hook, running_daemons(str(self.proc))))

    def fault(self) -> str:
        (only,) = (remark for remark in self.remarks() if remark.is_fault)
        return str(only)

    def test_nothing_is_installed_and_nothing_runs(self) -> None:
        self.assertEqual(f"{self.hook.path}: not installed", self.fault())

    def test_installed_and_no_daemon_runs(self) -> None:
        self.install()
        self.assertIn("so it is unknown whether one finds the guard", self.fault())
        self.assertEqual([(str(self.hook.path), "/")], self.tried)

    def test_installed_and_does_not_work(self) -> None:
        self.install()
        self.failure = TrialError("the guard does not end")
        self.assertIn(f"{self.hook.path}: the guard does not end", map(str, self.remarks()))

    def test_others_may_write_to_it(self) -> None:
        self.install()
        self.hook.path.chmod(0o777)
        self.assertIn("others than its owner may write to it", str(self.remarks()[1]))

    def test_a_daemon_that_does_not_see_the_hosts_folder(self) -> None:
        self.add(7)
        self.install()
        said = self.fault()
        self.assertIn("libvirtd (process 7), with mounts of its own: does not see", said)
        self.assertIn(f"mount {self.hook.hooks} there as {HOOKS}", said)

    def test_a_daemon_whose_image_has_the_guard_in_either_form(self) -> None:
        for pid, path in ((7, _SCRIPT), (8, f"{HOOKS}/qemu")):
            root = self.add(pid, seconds=5000)
            self.install(root.name, path)
            remarks = self.remarks()
            self.assertEqual([False], [remark.is_fault for remark in remarks[:1]])
            self.assertIn(f"runs {path}", str(remarks[0]))
            self.assertEqual((path, f"{self.proc}/{pid}/root"), self.tried[-1])
            (self.proc / str(pid) / "comm").write_text("gone\n")

    def test_a_daemon_in_which_the_guard_does_not_work(self) -> None:
        root = self.add(7)
        self.install(root.name)
        self.failure = TrialError("the guard does not refuse a device")
        said = self.fault()
        self.assertIn(f"{_SCRIPT} does not work there: the guard does not refuse a device", said)
        self.assertIn("hook install --python python3", said)

    def test_a_daemon_with_the_guard_of_another_release(self) -> None:
        root = self.add(7)
        self.install(root.name, text=render("python3") + "# older\n")
        self.assertIn(f"{_SCRIPT} is installed by another release", self.fault())

    def test_a_daemon_that_has_to_look_again(self) -> None:
        root = self.add(7, seconds=10)
        self.install(root.name)
        self.assertIn("once it has looked for hooks again: 'kill -HUP 7'", self.fault())

    def test_a_call_since_its_start_proves_that_it_looks(self) -> None:
        root = self.add(7, seconds=10)
        self.install(root.name)
        self.write(root, CALLED, seconds=9)
        self.assertIn("kill -HUP 7", self.fault())
        self.write(root, CALLED, seconds=11)
        self.assertIn(f"runs {_SCRIPT}, last at ", str(self.remarks()[0]))

    def test_folders_that_are_not_shared_are_said_and_no_fault(self) -> None:
        root = self.add(7, seconds=5000)
        self.install(root.name)
        said = "\n".join(map(str, self.remarks()[1:]))
        self.assertIn("does not share /var/lib/vfio-lm/remap with this host", said)
        self.assertIn("does not share /run/vfio-lm with this host", said)

    def test_a_daemon_of_the_host_shares_everything(self) -> None:
        self.add(7, mounts=1, seconds=5000)
        self.install()
        texts = [str(remark) for remark in self.remarks()]
        self.assertEqual(2, len(texts), texts)
        self.assertIn("libvirtd (process 7), on this host: runs", texts[1])
        self.assertEqual([(str(self.hook.path), "/")], self.tried)

    def test_a_daemon_that_cannot_be_looked_at_is_no_working_one(self) -> None:
        self.add(7)
        os.unlink(self.proc / "7/ns/mnt")
        self.assertIn("run this as root", self.fault())
