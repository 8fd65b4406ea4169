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

"""What ``vfio-lm-host verify`` takes and how it ends; what it looks at is tested with libvirt."""

import contextlib
import io

import testtools

from tests.unit.compute.runs import run
from vfio_lm.compute.libvirt.verification import ArrivalFinding, ArrivalVerdict
from vfio_lm.compute.libvirt.verify_command import show


class TestArguments(testtools.TestCase):
    def test_a_time_has_a_zone(self):
        for time, expected in (
            ("yesterday", "no time in ISO 8601"),
            ("2026-03-01T12:00:00", "'2026-03-01T12:00:00' has no time zone"),
        ):
            status, _, errors = run("verify", "g1", "--since", time)
            self.assertEqual(1, status)
            self.assertIn(expected, errors)

    def test_the_help_has_the_exit_statuses(self):
        status, output, _ = run("verify", "--help")
        self.assertEqual(0, status)
        self.assertIn("3  unknown: the output says what is missing", output)


class TestShow(testtools.TestCase):
    def shown(self, *verdicts):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            show([ArrivalFinding(verdict, "seen") for verdict in verdicts])
        return output.getvalue().splitlines()

    def test_the_worst_is_said_at_the_end(self):
        good, unknown, broken = ArrivalVerdict.GOOD, ArrivalVerdict.UNKNOWN, ArrivalVerdict.BROKEN
        self.assertEqual("Verified: nothing speaks against it.", self.shown(good)[-1])
        self.assertEqual("Not verified: see what is unknown above.", self.shown(unknown, good)[-1])
        self.assertIn("Broken: ", self.shown(broken, unknown, good)[-1])

    def test_each_finding_has_its_verdict_before_it(self):
        self.assertEqual("broken   seen", self.shown(ArrivalVerdict.BROKEN)[0])
