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

"""The suite runs in the background as well, where a shell ignores Ctrl-C."""

import pathlib
import signal
import subprocess
import sys

import testtools

_IS_DEFAULT = """
import signal
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
_OF_A_CHILD = f"""
import subprocess, sys
import {{module}}
subprocess.run([sys.executable, "-c", {_IS_DEFAULT!r}], check=True)
"""


class TestBackground(testtools.TestCase):
    def is_default_in_children_of(self, module):
        done = subprocess.run(
            [sys.executable, "-c", _OF_A_CHILD.format(module=module)],
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            capture_output=True,
            text=True,
            check=True,
            cwd=pathlib.Path(__file__).parents[3],
        )
        return done.stdout.strip()

    def test_what_the_tests_start_can_be_interrupted(self):
        self.assertEqual("False", self.is_default_in_children_of("os"))
        self.assertEqual("True", self.is_default_in_children_of("tests"))
