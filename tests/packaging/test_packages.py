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

"""What is packed installs in an empty environment, each extra alone, and its commands start."""

import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

import testtools

from tests.packaging.bounds import TOP, normal

# What only users of an extra need; libvirt-python has no wheel and wants the headers of libvirt.
_OF_EXTRAS = {
    "compute": {"libvirt-python", "lxml"},
    "drain": {"scipy"},
    "horizon": {"horizon"},
    "sync": {"prometheus-client", "tooz"},
}


def _run(*command: object) -> str:
    finished = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise AssertionError(f"{command}: {finished.stdout}{finished.stderr}")
    return finished.stdout


def _pip(prefix: pathlib.Path, *arguments: object) -> str:
    # that of the tests' environment: none has to be installed into each new one
    return _run(sys.executable, "-m", "pip", "--python", prefix / "bin/python", *arguments)


class TestPackages(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        # the sdist of the tree, and the wheel of the sdist
        _run(sys.executable, "-m", "build", "--outdir", cls.folder, TOP)
        (cls.wheel,) = cls.folder.glob("*.whl")
        cls.base = cls._install("")

    @classmethod
    def _install(cls, extra: str) -> pathlib.Path:
        """Make an environment with the wheel and one extra; return its prefix."""
        prefix = cls.folder / f"with-{extra}"
        venv.create(prefix, with_pip=False)
        wanted = f"{cls.wheel}[{extra}]" if extra else cls.wheel
        constraints = TOP / "constraints.txt"
        _pip(prefix, "install", "--quiet", "--no-compile", "--constraint", constraints, wanted)
        return prefix

    def _installed(self, prefix: pathlib.Path) -> set[str]:
        return {normal(each["name"]) for each in json.loads(_pip(prefix, "list", "--format=json"))}

    def _only(self, extra: str) -> pathlib.Path:
        """Install an extra, and see that it brings nothing of the others."""
        prefix = self._install(extra)
        others = set().union(*(names for name, names in _OF_EXTRAS.items() if name != extra))
        self.assertEqual(set(), self._installed(prefix) & others)
        return prefix

    def test_the_client_needs_no_extra(self):
        self.assertEqual(set(), self._installed(self.base) & set().union(*_OF_EXTRAS.values()))
        said = _run(self.base / "bin/openstack", "vfio", "--help")
        self.assertIn("vfio migration check", said)
        said = _run(self.base / "bin/openstack", "server", "migrate", "--help")
        self.assertIn("--vfio-preflight", said)

    def test_the_shell_completes_our_commands(self):
        said = _run(self.base / "bin/openstack", "complete")
        for command in importlib.metadata.entry_points(group="openstack.vfio.v1"):
            # as a name in the shell: server_upgrade-plan is none
            self.assertIn(f"cmds_{command.name.replace('-', '_')}='", said)

    def test_every_file_of_our_packages_is_in_the_wheel(self):
        packages = ("vfio_lm", "osc_vfio_lm", "placement_sync", "horizon_panel")
        tracked = _run("git", "-C", TOP, "ls-files", *packages).splitlines()
        with zipfile.ZipFile(self.wheel) as wheel:
            self.assertEqual(set(), set(tracked) - set(wheel.namelist()))

    def test_what_operators_copy_is_below_the_prefix(self):
        share = self.base / "share" / "openstack-vfio-lm"
        packed = {file.relative_to(share) for file in share.rglob("*") if file.is_file()}
        etc = TOP / "etc"
        kept = {file.relative_to(etc) for file in etc.rglob("*") if file.is_file()}
        self.assertEqual(kept, packed)

    def test_a_command_whose_extra_is_missing_names_it(self):
        finished = subprocess.run(
            [self.base / "bin/vfio-placement-sync", "--once"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(1, finished.returncode)
        self.assertIn("install openstack-vfio-lm with its extra [sync]", finished.stderr)
        self.assertNotIn("Traceback", finished.stderr)

    def test_what_the_host_tells_needs_no_extra(self):
        said = _run(self.base / "bin/vfio-lm-host", "probe", "--format", "json")
        self.assertIn('"devices"', said)

    def test_the_host_helper_alone(self):
        prefix = self._only("compute")
        self.assertIn("probe", _run(prefix / "bin/vfio-lm-host", "--help"))

    def test_the_agent_alone(self):
        prefix = self._only("sync")
        self.assertIn("--dry-run", _run(prefix / "bin/vfio-placement-sync", "--help"))

    def test_the_drain_planner_alone(self):
        prefix = self._only("drain")
        _run(prefix / "bin/python", "-c", "import scipy, vfio_lm.drain.solver")

    def test_the_panel_alone(self):
        prefix = self._only("horizon")
        _run(prefix / "bin/python", "-c", "import horizon_panel")
