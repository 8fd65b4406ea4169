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

"""A function differs from another in the lines that were replaced, and only there."""

import sys
import traceback

import testtools

from vfio_lm.inside_nova.corrections.source import apart, with_lines_replaced

NUMBER = 1


class Thing:
    def value(self, more=2):
        # what it is
        first = NUMBER
        return first + more


class TestWithLinesReplaced(testtools.TestCase):
    def test_the_lines_are_others(self):
        value = with_lines_replaced(Thing.value, "    first = NUMBER\n", "    first = 10\n")
        self.assertEqual((12, 3), (value(None), Thing().value()))
        self.assertEqual("Thing.value", value.__qualname__)

    def test_it_sees_the_same_module(self):
        value = with_lines_replaced(Thing.value, "first + more", "first + more + NUMBER")
        self.addCleanup(setattr, sys.modules[__name__], "NUMBER", NUMBER)
        sys.modules[__name__].NUMBER = 5
        self.assertEqual(12, value(None))

    def test_lines_that_are_not_there_once(self):
        for old in ("gone", "first"):
            self.assertRaises(ValueError, with_lines_replaced, Thing.value, old, "new")

    def test_a_traceback_shows_the_lines(self):
        value = with_lines_replaced(Thing.value, "first + more", "first + nothing")
        exc = self.assertRaises(NameError, value, None)
        text = "".join(traceback.format_exception(exc))
        self.assertIn("return first + nothing", text)
        self.assertIn("Thing.value, corrected by vfio-lm", text)


class TestApart(testtools.TestCase):
    def test_it_sees_other_things(self):
        value = apart(Thing.value, {"NUMBER": 7})
        self.assertEqual((9, 10, 3), (value(None), value(None, 3), Thing().value()))
