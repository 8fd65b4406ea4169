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

"""Ctrl-C during a drain: the first lets nothing begin, the second ends the waiting."""

import io
import os
import signal
from unittest import mock

import testtools

from osc_vfio_lm.drain.teller import DrainTeller
from tests.unit.migration.records import SERVER, migration
from vfio_lm.errors import CloudError


class TestTeller(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.app = mock.Mock(stderr=io.StringIO())
        self.nova = mock.Mock()
        self.teller = DrainTeller(self.app, self.nova)

    def said(self):
        return self.app.stderr.getvalue()

    def test_the_first_ctrl_c_stops_what_has_not_begun(self):
        before = signal.getsignal(signal.SIGINT)
        with self.teller:
            self.assertFalse(self.teller.wants_stop)
            os.kill(os.getpid(), signal.SIGINT)
            self.assertTrue(self.teller.wants_stop)
            self.assertEqual("", self.said())
            for _ in range(2):
                self.teller.show({})
            self.assertEqual(1, self.said().count("waiting for those in progress"))
            self.assertRaises(KeyboardInterrupt, os.kill, os.getpid(), signal.SIGINT)
        self.assertIs(before, signal.getsignal(signal.SIGINT))

    def test_a_failure_that_nova_does_not_explain_is_still_told(self):
        self.nova.actions.side_effect = CloudError("nova is down")
        server = mock.Mock(id=SERVER)
        server.name = "web"
        self.teller.failed(server, migration(), "req-1")
        self.assertIn(f"The live migration of server web ({SERVER}) failed.", self.said())
        self.assertIn("nova is down", self.said())
