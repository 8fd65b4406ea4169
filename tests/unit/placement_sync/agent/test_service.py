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

"""The rounds run beside the signals, and their end is that of the agent."""

import os
import signal
import threading

import fixtures
import testtools

from placement_sync.agent import notify
from placement_sync.agent.service import serve

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Endless:
    """Makes rounds until it is stopped; at first it gets signals."""

    def __init__(self, *signals: int) -> None:
        self.signals = signals
        self.stopped = threading.Event()

    def run(self):
        for number in self.signals:
            os.kill(os.getpid(), number)
        if not self.stopped.wait(60):
            raise AssertionError("not stopped")

    def stop(self):
        self.stopped.set()

    def wait_for_writes(self, seconds):
        return True


class _Broken(_Endless):
    def run(self):
        raise ZeroDivisionError


class TestService(testtools.TestCase):
    def setUp(self):
        super().setUp()
        for number in _SIGNALS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.reloads = []

    def serve(self, agent):
        return serve(agent, notify.Systemd({}), lambda: self.reloads.append(1))

    def test_either_signal_ends_it_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            agent = _Endless(number)
            self.assertEqual(0, self.serve(agent))
            self.assertTrue(agent.stopped.is_set())
        self.assertEqual([], self.reloads)

    def test_sighup_reloads(self):
        self.assertEqual(0, self.serve(_Endless(signal.SIGHUP, signal.SIGTERM)))
        self.assertEqual([1], self.reloads)

    def test_an_agent_whose_rounds_break_off_has_failed(self):
        logged = self.useFixture(fixtures.FakeLogger())
        self.assertEqual(1, self.serve(_Broken()))
        self.assertIn("The agent makes no more rounds", logged.output)
        self.assertIn("ZeroDivisionError", logged.output)
