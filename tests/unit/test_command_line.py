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
"""A typing error is one line and the exit status 1, which is that of no answer."""

import contextlib
import io
import pathlib
import subprocess
import sys

import testtools

from vfio_lm.command_line import ArgumentParser


class TestUsageErrors(testtools.TestCase):
    def test_what_is_wrong_is_one_line(self):
        parser = ArgumentParser(prog="any")
        parser.add_argument("--number", type=int)
        with contextlib.redirect_stderr(io.StringIO()) as said:
            ended = self.assertRaises(SystemExit, parser.parse_args, ["--number", "x"])
        self.assertEqual(1, ended.code)
        self.assertEqual(
            "any: error: argument --number: invalid int value: 'x'; see --help\n", said.getvalue()
        )

    def test_console_scripts_end_with_it(self):
        for script, *arguments in (
            ("vfio-lm-host", "probe"),
            ("vfio-placement-sync",),
        ):
            program = pathlib.Path(sys.executable).with_name(script)
            done = subprocess.run(
                [program, *arguments, "--no-such-option"],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual((1, ""), (done.returncode, done.stdout), script)
            self.assertIn("--no-such-option", done.stderr)
            helped = subprocess.run([program, "--help"], capture_output=True, check=False)
            self.assertEqual(0, helped.returncode, script)
