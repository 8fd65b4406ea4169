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

"""A script passes its trial only if it lets the right server pass and refuses the wrong one."""

from __future__ import annotations

import os
import pathlib

import fixtures
import testtools

from vfio_lm.compute.guard.installation import own_python
from vfio_lm.compute.guard.script import render
from vfio_lm.compute.guard.trial import TrialError, try_out


class TestTrial(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "hook")

    def write(self, text: str, mode: int = 0o755) -> None:
        self.path.write_text(text)
        self.path.chmod(mode)

    def refusal(self, text: str, mode: int = 0o755) -> str:
        self.write(text, mode)
        return str(self.assertRaises(TrialError, try_out, str(self.path)))

    def test_the_guard(self) -> None:
        self.write(render(own_python()))
        try_out(str(self.path))

    def test_a_script_that_refuses_everything(self) -> None:
        said = self.refusal("#!/bin/sh\necho 'no\x1b[31m\x07 way' >&2\nexit 1\n")
        self.assertEqual("the guard does not let a server without devices pass: no [31m  way", said)

    def test_a_script_that_prints_something(self) -> None:
        self.assertIn("let a server without devices pass", self.refusal("#!/bin/sh\necho x\n"))

    def test_a_script_that_lets_everything_pass(self) -> None:
        said = self.refusal("#!/bin/sh\nexit 0\n")
        self.assertIn("does not refuse a device that does not exist", said)
        self.assertIn("exit status 0 and says nothing", said)

    def test_a_script_that_refuses_for_another_reason(self) -> None:
        said = self.refusal("#!/bin/sh\ngrep -q hostdev || exit 0\necho boo >&2\nexit 1\n")
        self.assertIn("does not refuse a device that does not exist: boo", said)

    def test_a_script_that_cannot_be_run(self) -> None:
        self.assertIn("cannot be run: Permission denied", self.refusal("#!/bin/sh\n", 0o644))
        self.assertIn("cannot be run", self.refusal("#!/nowhere/sh\n"))

    def test_nothing_is_left_behind(self) -> None:
        self.write(render(own_python()))
        try_out(str(self.path))
        self.assertEqual(["hook"], os.listdir(self.path.parent))
