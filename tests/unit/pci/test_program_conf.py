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

"""What oslo.config refuses is one error, which quotes no value that may be a secret."""

import contextlib
import io
import pathlib

import fixtures
import testtools
from oslo_config import cfg

from vfio_lm.errors import ConfigError
from vfio_lm.pci.program_conf import program_configured


class TestProgramConfigured(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "a.conf"

    def configure(self, content, *arguments):
        self.path.write_bytes(content)
        conf = cfg.ConfigOpts()
        conf.register_cli_opt(cfg.BoolOpt("debug"))
        with program_configured([str(self.path)]):
            conf(["--config-file", str(self.path), *arguments])
        return conf.debug

    def refusal(self, content):
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            error = self.assertRaises(ConfigError, self.configure, content)
        self.assertEqual("", printed.getvalue())
        return str(error)

    def test_what_is_right(self):
        self.assertIs(True, self.configure(b"[DEFAULT]\ndebug = yes\n"))

    def test_an_option_that_may_stand_on_the_command_line(self):
        self.assertEqual(
            f"{self.path}:2: [DEFAULT]debug: perhaps: the value is not valid",
            self.refusal(b"[DEFAULT]\ndebug = perhaps\n"),
        )
        said = self.refusal(b"[DEFAULT]\ndebug = yes\n  mellon\n")
        self.assertIn("the value has several lines", said)
        self.assertNotIn("mellon", said)

    def test_a_reference_to_nothing(self):
        self.assertIn("no such option x", self.refusal(b"[DEFAULT]\ndebug = $x\n"))
        said = self.refusal(b"[DEFAULT]\ndebug = $mellon\n  password = x\n")
        self.assertNotIn("mellon", said)

    def test_what_is_no_configuration_and_no_text(self):
        self.assertIn("not a configuration file: line 1", self.refusal(b"mellon\n"))
        self.assertIn(f"{self.path}: not a text file", self.refusal(b"[DEFAULT]\na = \xe9\n"))

    def test_the_command_line_is_not_the_file(self):
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            self.assertRaises(SystemExit, self.configure, b"", "--nothing")
        self.assertIn("--nothing", printed.getvalue())
