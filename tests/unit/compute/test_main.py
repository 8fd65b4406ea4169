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

"""``vfio-lm-host`` as its users meet it: help, exit statuses and mistakes in the arguments."""

import os
import subprocess
import sys
from unittest import mock

from tests.unit.compute.runs import CommandCase
from vfio_lm.compute import main


class TestMain(CommandCase):
    def test_help_lists_all_sub_commands_with_a_line_each(self):
        status, out, _ = self.run_command("--help")
        self.assertEqual(0, status)
        listed = out.split("sub-commands:")[1].split("exit status:")[0]
        for name in main.COMMANDS:
            self.assertRegex(listed, rf"(?m)^    {name} +\w+ \w+")

    def test_each_sub_command_has_help_with_an_example(self):
        for name in main.COMMANDS:
            status, out, _ = self.run_command(name, "--help")
            self.assertEqual(0, status)
            self.assertIn(f"vfio-lm-host {name}", out.split("example", 1)[-1], name)

    def test_a_mistake_in_the_arguments_is_no_answer(self):
        self.assertIn("--sourse", self.refusal("probe", "--sourse", "x"))
        self.assertIn("invalid choice: 'prob'", self.refusal("prob"))
        self.assertIn("sub-command", self.refusal())

    def test_only_the_chosen_sub_command_is_imported(self):
        code = (
            "import sys, vfio_lm.compute.main as main\n"
            "try: main.main(['match', '--help'])\n"
            "except SystemExit: pass\n"
            "sys.exit(any(name.endswith('_command') and 'match' not in name "
            "for name in sys.modules if name.startswith('vfio_lm')))"
        )
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)

    def test_a_reader_that_wants_no_more_is_no_error(self):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as closed:
            done = subprocess.run(
                [sys.executable, "-m", "vfio_lm.compute", "--help"],
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.assertNotIn("Traceback", done.stderr)

    def test_ctrl_c_is_no_error_either(self):
        with mock.patch("vfio_lm.compute.main._run", side_effect=KeyboardInterrupt):
            self.assertEqual((130, "", ""), self.run_command("probe"))
