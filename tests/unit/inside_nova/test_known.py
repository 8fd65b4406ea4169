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

"""The installed nova is known; one that differs is not run."""

import os
from unittest import mock

import testtools

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova.compute import claims

from vfio_lm.inside_nova import known
from vfio_lm.inside_nova.errors import UnknownNovaError


class TestCheck(testtools.TestCase):
    def test_the_installed_nova_is_known(self):
        known.check()

    def test_a_function_that_was_changed_is_named(self):
        class MoveClaim:
            """Not nova's."""

        with mock.patch.object(claims, "MoveClaim", MoveClaim):
            exc = self.assertRaises(UnknownNovaError, known.check)
        self.assertEqual(("nova.compute.claims:MoveClaim",), exc.functions)
        self.assertIn("this nova is not known", str(exc))

    def test_a_function_that_is_gone_is_named(self):
        with mock.patch.dict(known.KNOWN, {"nova.compute.claims:gone": ("0" * 12,)}):
            exc = self.assertRaises(UnknownNovaError, known.check)
        self.assertEqual(("nova.compute.claims:gone",), exc.functions)
