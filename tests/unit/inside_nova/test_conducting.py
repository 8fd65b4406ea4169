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

"""After which exceptions a server stays as it is is read from conductor's own code."""

import os

import testtools

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova import exception

from vfio_lm.inside_nova.conducting import objection_of, refused_exceptions
from vfio_lm.pci.nova_word import Decider


class TestRefusedExceptions(testtools.TestCase):
    def test_they_are_those_that_conductor_catches_first(self):
        found = refused_exceptions()
        self.assertEqual(13, len(found))
        for each in (exception.NoValidHost, exception.MigrationPreCheckError):
            self.assertIn(each, found)
        self.assertIsInstance(exception.MaxRetriesExceeded(reason="x"), found)

    def test_what_a_claim_of_devices_raises_is_none_of_them(self):
        for error in (
            exception.PciDeviceRequestFailed(requests=[]),
            exception.GroupAffinityViolation(instance_uuid="x", policy="y"),
        ):
            self.assertNotIsInstance(error, refused_exceptions())


class TestObjectionOf(testtools.TestCase):
    def test_it_says_what_nova_says(self):
        objection = objection_of(exception.NoValidHost(reason="two\nlines"), Decider.PLACEMENT)
        self.assertEqual("No valid host was found. two lines", objection.reason)
        self.assertEqual("NoValidHost", objection.name)
