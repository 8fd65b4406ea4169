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
"""A connection has an answer in time or it is over; the driver is a double."""

import threading
import types

import fixtures
import testtools

from placement_sync.agent.backend_connection import BackendConnection, CoordinationError
from placement_sync.agent.backend_url import Coordination

_LIMIT = 30
_SETTINGS = Coordination("redis://:canary@r:1?timeout=1", "group", 1)


class Driver:
    """Does what a test says."""

    def __init__(self):
        self.on_start = lambda: None
        self.started = threading.Event()
        self.stopped = threading.Event()

    def start(self):
        self.on_start()
        self.started.set()

    def stop(self):
        self.stopped.set()
        raise RuntimeError("it never ends in order")


class TestBackendConnection(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.driver = Driver()
        self.useFixture(
            fixtures.MonkeyPatch("tooz.coordination.get_coordinator", lambda *_: self.driver)
        )

    def connected(self):
        connection = BackendConnection(_SETTINGS, "member")
        connection.wait_until_ready()
        return connection

    def hang(self):
        """Return a function that does not return before the test is over."""
        over = threading.Event()
        self.addCleanup(over.set)
        return lambda *_: over.wait(_LIMIT)

    def refusal(self, function, *args):
        return str(self.assertRaises(CoordinationError, function, *args))

    def test_an_answer(self):
        self.assertIs(self.driver, self.connected().ask(lambda driver: driver))

    def test_whatever_is_raised_is_the_end(self):
        for error in (KeyError("x"), OSError(), SystemExit(1)):
            connection = self.connected()

            def fail(_, error=error):
                raise error

            self.assertIn("does not answer", self.refusal(connection.ask, fail))
            self.assertTrue(connection.is_over)
            self.assertIn("the connection was lost", self.refusal(connection.ask, lambda _: 1))

    def test_no_answer_in_time_is_the_end(self):
        connection = self.connected()
        self.assertIn("does not answer within 1 s", self.refusal(connection.ask, self.hang()))
        self.assertTrue(connection.is_over)

    def test_a_start_that_takes_long_may_still_come(self):
        go_on = threading.Event()
        self.driver.on_start = lambda: go_on.wait(_LIMIT)
        connection = BackendConnection(_SETTINGS, "member")
        self.assertIn("within 1 s", self.refusal(connection.wait_until_ready))
        self.assertFalse(connection.is_over)
        self.assertIn("the connection was lost", self.refusal(connection.ask, lambda _: 1))
        go_on.set()
        self.assertTrue(self.driver.started.wait(_LIMIT))
        connection.wait_until_ready()
        self.assertEqual(1, connection.ask(lambda _: 1))

    def test_a_start_that_fails_is_the_end(self):
        def fail():
            raise ValueError("bad word: canary")

        self.driver.on_start = fail
        connection = BackendConnection(_SETTINGS, "member")
        self.assertIn("does not answer: bad word: ***", self.refusal(connection.wait_until_ready))
        self.assertTrue(connection.is_over)

    def test_an_error_without_a_text_is_named(self):
        def fail(_):
            raise ConnectionAbortedError

        self.assertIn(": ConnectionAbortedError", self.refusal(self.connected().ask, fail))

    def test_it_is_closed_in_the_background_and_fails_in_silence(self):
        connection = self.connected()
        connection.close().result(_LIMIT)
        self.assertTrue(self.driver.stopped.is_set())
        self.assertTrue(connection.is_over)

    def test_the_sockets_of_the_driver_are_closed_though_it_does_not_end_in_order(self):
        is_closed = threading.Event()
        session = types.SimpleNamespace(close=is_closed.set)
        self.driver.client = types.SimpleNamespace(session=session)
        self.connected().close().result(_LIMIT)
        self.assertTrue(is_closed.is_set())

    def test_locks_that_are_held_are_left_for_as_long_as_they_last(self):
        connection = self.connected()
        with connection.holding_lock():
            self.assertTrue(connection.has_locks)
            end = connection.close()
            self.assertFalse(self.driver.stopped.wait(0.2))
        end.result(_LIMIT)
        self.assertTrue(self.driver.stopped.is_set())
        self.assertFalse(connection.has_locks)

    def test_a_driver_that_cannot_be_made(self):
        def fail(*_):
            raise ValueError("invalid literal: canary")

        self.useFixture(fixtures.MonkeyPatch("tooz.coordination.get_coordinator", fail))
        refusal = self.refusal(BackendConnection, _SETTINGS, "member")
        self.assertEqual(
            "[coordination]backend_url: tooz cannot use it, or a package that its driver needs is "
            "missing: invalid literal: ***",
            refusal,
        )
