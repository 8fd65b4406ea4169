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

"""The packages for Debian are built, are clean, and work in a new system; needs root and a mirror.

Debian's ``debhelper``, ``dh-python``, ``pybuild-plugin-pyproject``, ``python3-pbr``, ``lintian``
and ``debootstrap`` have to be there.
"""

import os
import pathlib
import subprocess
import tempfile

import testtools

from tests.packaging.bounds import TOP
from tests.packaging.site_cases import PTH

_RELEASE = "bookworm"
#: Debian's own Python, whatever else is first in the tests' path.
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/root",
}


def _run(*command: object, cwd: pathlib.Path | None = None) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


class TestPackages(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if os.geteuid():
            raise cls.skipException("needs root")
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        source = cls.folder / "source"
        tracked = subprocess.check_output(["git", "-C", TOP, "ls-files"], text=True).splitlines()
        for name in tracked:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((TOP / name).read_bytes())
            (source / name).chmod((TOP / name).stat().st_mode)
        _run("dpkg-buildpackage", "--no-sign", "--build=binary", cwd=source)
        cls.packages = sorted(cls.folder.glob("*.deb"))

    def test_lintian_finds_nothing(self):
        (changes,) = self.folder.glob("*.changes")
        _run("lintian", "--allow-root", "--fail-on", "error,warning", changes)

    def test_every_file_of_our_modules_is_packed(self):
        listed = "".join(_run("dpkg-deb", "--contents", each) for each in self.packages)
        folders = ("vfio_lm", "osc_vfio_lm", "placement_sync", "horizon_panel")
        tracked = _run("git", "-C", TOP, "ls-files", *folders).splitlines()
        missing = [name for name in (*tracked, PTH) if f"/dist-packages/{name}\n" not in listed]
        self.assertEqual([], missing)

    def test_they_work_in_a_new_system_and_leave_it(self):
        root = self.folder / "root"
        _run("debootstrap", "--variant=minbase", _RELEASE, root)
        # the agent wants an os-traits that this release does not have
        packages = [each for each in self.packages if "placement-sync" not in each.name]
        for each in packages:
            (root / each.name).write_bytes(each.read_bytes())
        names = [f"/{each.name}" for each in packages]
        _run("chroot", root, "apt-get", "install", "--yes", "--no-install-recommends", *names)
        self.assertIn("probe", _run("chroot", root, "vfio-lm-host", "--help"))
        self.assertIn("#!/bin/sh", _run("chroot", root, "vfio-lm-host", "hook", "render"))
        pth = root / "usr/lib/python3/dist-packages" / PTH
        self.assertTrue(pth.is_file())
        ours = [each.name.partition("_")[0] for each in packages]
        _run("chroot", root, "apt-get", "purge", "--yes", *ours)
        self.assertFalse(pth.exists())
        self.assertEqual([], [*root.glob("usr/bin/vfio*"), *root.glob("etc/**/vfio*")])
