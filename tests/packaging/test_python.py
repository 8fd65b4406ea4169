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

"""The oldest Python that we promise can read every module; what its library lacks, vermin knows."""

import shutil
import subprocess

import testtools

from tests.packaging.bounds import TOP

_OLDEST = "python3.9"
_PACKAGES = ("vfio_lm", "osc_vfio_lm", "placement_sync", "horizon_panel")

_COMPILE = """
import pathlib, sys
for path in sys.argv[1:]:
    compile(pathlib.Path(path).read_text(), path, "exec", dont_inherit=True)
"""


class TestOldestPython(testtools.TestCase):
    def setUp(self):
        super().setUp()
        python = shutil.which(_OLDEST)
        if python is None or self.run_with(python, "-c", "").returncode:
            self.skipTest(f"{_OLDEST} is not installed")
        self.python = python

    def run_with(self, *command):
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_it_can_read_every_module(self):
        modules = [str(path) for each in _PACKAGES for path in (TOP / each).rglob("*.py")]
        self.assertGreater(len(modules), 300)
        finished = self.run_with(self.python, "-c", _COMPILE, *modules)
        self.assertEqual("", finished.stderr)
