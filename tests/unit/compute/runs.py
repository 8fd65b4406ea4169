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

"""Runs of ``vfio-lm-host`` in the process of a test."""

import io
from contextlib import redirect_stderr, redirect_stdout

from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute import main


def run(*arguments):
    """Return the exit status, the standard output and the standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main.main([str(each) for each in arguments])
        except SystemExit as exc:
            status = exc.code
    return status, out.getvalue(), err.getvalue()


class CommandCase(TreeCase):
    """Runs commands on a tree of its own."""

    def run_command(self, *arguments):
        return run(*arguments)

    def refusal(self, *arguments):
        status, out, err = self.run_command(*arguments)
        self.assertEqual((1, ""), (status, out))
        self.assertNotIn("Traceback", err)
        return err
