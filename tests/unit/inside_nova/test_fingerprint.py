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

"""A fingerprint distinguishes functions by what they do, not by their comments."""

import functools
import inspect
import os
import textwrap

import testtools

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova.compute import manager as compute_manager
from nova.scheduler import manager as scheduler_manager

from vfio_lm.inside_nova.fingerprint import (
    find,
    fingerprint,
    installed_fingerprint,
    undecorated,
)

TEXT = """
    @decorated
    def function(self):
        return self.value
"""


class TestFingerprint(testtools.TestCase):
    def test_comments_blank_lines_and_indentation_do_not_count(self):
        commented = TEXT.replace("        return", "        # the value\n\n        return")
        self.assertEqual(fingerprint(TEXT), fingerprint(textwrap.dedent(TEXT)))
        self.assertEqual(fingerprint(TEXT), fingerprint(commented))

    def test_code_and_decorators_count(self):
        self.assertNotEqual(fingerprint(TEXT), fingerprint(TEXT.replace("value", "other")))
        self.assertNotEqual(fingerprint(TEXT), fingerprint(TEXT.replace("@decorated", "")))

    def test_a_function_that_is_not_there_has_none(self):
        self.assertIsNone(installed_fingerprint("nova.compute.manager:ComputeManager.gone"))
        self.assertIsNone(installed_fingerprint("nova.compute.gone:function"))


class TestUndecorated(testtools.TestCase):
    def test_a_decorator_that_leaves_no_trace(self):
        select = scheduler_manager.SchedulerManager.select_destinations
        self.assertEqual("inner", select.__name__)
        found = undecorated(select, "select_destinations")
        self.assertIn("spec_obj", inspect.signature(found).parameters)

    def test_several_decorators(self):
        name = "check_can_live_migrate_destination"
        found = undecorated(getattr(compute_manager.ComputeManager, name), name)
        self.assertEqual(name, found.__name__)
        self.assertFalse(hasattr(found, "__wrapped__"))

    def test_a_function_without_any(self):
        self.assertIs(functools.reduce, undecorated(functools.reduce, "reduce"))
        self.assertIs(find, undecorated(find, "find"))
