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

"""A function of nova's is replaced where it is known to be wrong, and left alone otherwise."""

import dataclasses
import inspect
import types

import fixtures
import testtools

from vfio_lm.inside_nova.corrections import CORRECTIONS, NAMES
from vfio_lm.inside_nova.corrections.correction import Correction, TrialResult
from vfio_lm.inside_nova.fingerprint import fingerprint


def wrong():
    return 1


def right():
    return 2


def strange():
    raise RuntimeError("no such thing")


CORRECTION = Correction(
    name="two",
    fault="it is one",
    module="nova.number",
    function="Number.two",
    faulty=frozenset({fingerprint(inspect.getsource(wrong))}),
    is_right=lambda function: function() == 2,
    corrected=lambda function: right,
)


def module(function):
    return types.SimpleNamespace(Number=types.SimpleNamespace(two=function))


class TestApply(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.logs = self.useFixture(
            fixtures.FakeLogger("vfio_lm", format="%(levelname)s %(message)s")
        )

    def apply(self, function, **changes):
        mine = module(function)
        outcome = dataclasses.replace(CORRECTION, **changes).apply(mine)
        return outcome, mine.Number.two

    def test_a_function_with_the_fault_is_replaced(self):
        self.assertEqual((TrialResult.CORRECTED, right), self.apply(wrong))
        self.assertEqual(
            "INFO vfio-lm correction two: nova.number.Number.two had the fault, and was "
            "corrected. The fault: it is one.\n",
            self.logs.output,
        )

    def test_a_function_without_it_stays(self):
        self.assertEqual((TrialResult.RIGHT, right), self.apply(right))
        self.assertTrue(self.logs.output.startswith("INFO "))

    def test_a_function_that_is_not_known_stays(self):
        self.assertEqual((TrialResult.UNKNOWN, strange), self.apply(strange))
        self.assertEqual(
            (TrialResult.UNKNOWN, wrong), self.apply(wrong, faulty=frozenset({"0" * 12}))
        )
        self.assertTrue(self.logs.output.startswith("WARNING "))

    def test_what_the_trial_alone_judges(self):
        self.assertEqual((TrialResult.CORRECTED, right), self.apply(wrong, faulty=None))

    def test_a_replacement_that_is_wrong_itself_is_not_put_there(self):
        self.assertEqual(
            (TrialResult.UNKNOWN, wrong), self.apply(wrong, corrected=lambda function: strange)
        )

    def test_a_function_that_is_not_there_is_not_put_there(self):
        for mine in (
            types.SimpleNamespace(),
            types.SimpleNamespace(Number=types.SimpleNamespace()),
        ):
            self.assertIs(TrialResult.UNKNOWN, CORRECTION.apply(mine))
            self.assertFalse(hasattr(getattr(mine, "Number", None), "two"))


class TestAll(testtools.TestCase):
    def test_names_are_different_and_usable_as_options(self):
        self.assertEqual(len(NAMES), len(set(NAMES)))
        for name in NAMES:
            self.assertRegex(name, r"^[a-z]+(-[a-z]+)*$")

    def test_a_fault_is_the_middle_of_a_sentence(self):
        for each in CORRECTIONS:
            self.assertRegex(each.fault, r"^[a-z].*[a-zA-Z]$")
