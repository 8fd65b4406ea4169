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

"""A service that does not answer says nothing about a server."""

import os

import testtools
from keystoneauth1 import exceptions as keystone
from oslo_db import exception as database
from sqlalchemy import exc as sqlalchemy

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova import exception

from vfio_lm.inside_nova.errors import InsideNovaError
from vfio_lm.inside_nova.outage import InterruptedRunError, outage, raised_as_ours


class TestOutage(testtools.TestCase):
    def test_services_that_do_not_answer(self):
        for error in (
            keystone.ConnectFailure("no route"),
            keystone.Unauthorized("no"),
            database.DBConnectionError("no route"),
            sqlalchemy.OperationalError("SELECT 1", {}, Exception("no route")),
            exception.CellTimeout(),
            exception.PlacementAPIConnectFailure(),
            InterruptedRunError("there was no time left"),
        ):
            self.assertIsNotNone(outage(error), error)

    def test_novas_own_word(self):
        for error in (exception.NoValidHost(reason="x"), ValueError("x")):
            self.assertIsNone(outage(error), error)

    def test_the_driver_is_quoted_and_not_the_statement(self):
        error = database.DBConnectionError(
            sqlalchemy.OperationalError("SELECT secret", {}, Exception("no\nroute to host"))
        )
        self.assertEqual(
            "DBConnectionError: no route to host",
            outage(error),
        )

    def test_it_ends_a_command_with_a_line(self):
        def fail(error):
            with raised_as_ours():
                raise error

        said = self.assertRaises(InsideNovaError, fail, database.DBConnectionError("no route"))
        self.assertEqual("nova cannot be asked: DBConnectionError: no route", str(said))
        self.assertRaises(ValueError, fail, ValueError("a mistake of ours"))
