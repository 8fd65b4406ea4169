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

"""The library that is found without running an interpreter is the one that it reads."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import fixtures
import testtools

from tests.unit.compute.guard.test_script import pythons
from vfio_lm.compute.guard import interpreter

_ASK = "import json, os; print(json.dumps(os.path.dirname(os.__file__)))"


class TestInterpreter(testtools.TestCase):
    def test_it_is_what_each_interpreter_says_itself(self) -> None:
        for python in {*pythons(), sys.executable, os.path.realpath(sys.executable)}:
            if not os.path.isabs(python):
                continue
            done = subprocess.run([python, "-I", "-S", "-c", _ASK], check=True, capture_output=True)
            self.assertIn(
                os.path.realpath(json.loads(done.stdout)),
                map(os.path.realpath, interpreter.libraries(python)),
                python,
            )

    def test_packages_that_are_only_read_with_site_are_none_of_it(self) -> None:
        (library,) = interpreter.libraries(os.path.realpath(sys.executable))
        found = {os.path.relpath(entry.path, library) for entry in interpreter.entries(library)}
        self.assertLessEqual({"os.py", "encodings", "encodings/utf_8.py"}, found)
        self.assertNotIn("site-packages", found)

    def test_what_says_where_the_library_is(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / "bin").mkdir()
        python = str(folder / "bin" / "python3")
        self.assertEqual([], list(interpreter.configuration(python)))
        (folder / "pyvenv.cfg").touch()
        self.assertEqual([f"{folder}/pyvenv.cfg"], list(interpreter.configuration(python)))
