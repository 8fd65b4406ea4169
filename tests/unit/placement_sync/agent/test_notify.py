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

"""What arrives on systemd's socket."""

import os
import socket

import fixtures
import testtools

from placement_sync.agent import notify
from placement_sync.agent.notify import Systemd


class TestSystemd(testtools.TestCase):
    def listen(self, address=None):
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(channel.close)
        address = address or os.path.join(self.useFixture(fixtures.TempDir()).path, "notify")
        channel.bind(address)
        channel.settimeout(10)
        return address, lambda: channel.recv(4096).decode()

    def test_states_arrive_together(self):
        address, receive = self.listen()
        Systemd({"NOTIFY_SOCKET": address}).tell(notify.READY, "STATUS=right")
        self.assertEqual("READY=1\nSTATUS=right", receive())

    def test_a_socket_without_a_file(self):
        name = f"\0vfio-placement-sync-test-{os.getpid()}"
        _, receive = self.listen(name)
        Systemd({"NOTIFY_SOCKET": "@" + name[1:]}).tell(notify.STOPPING)
        self.assertEqual("STOPPING=1", receive())

    def test_without_systemd_nothing_is_told(self):
        Systemd({}).tell(notify.READY)
        Systemd({}).alive()

    def test_a_systemd_that_is_gone_does_no_harm(self):
        Systemd({"NOTIFY_SOCKET": "/nowhere/notify"}).tell(notify.READY)

    def test_a_sign_of_life_is_given_no_more_often_than_needed(self):
        address, receive = self.listen()
        systemd = Systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3600000000"})
        self.assertEqual(1800, systemd.seconds)
        for _ in range(3):
            systemd.alive()
        systemd.tell("STATUS=end")
        self.assertEqual(["WATCHDOG=1", "STATUS=end"], [receive(), receive()])

    def test_a_service_manager_that_does_not_watch(self):
        address, receive = self.listen()
        systemd = Systemd({"NOTIFY_SOCKET": address})
        systemd.alive()
        systemd.tell("STATUS=end")
        self.assertEqual("STATUS=end", receive())

    def test_a_reload_says_when_it_began(self):
        state, moment = notify.reloading()
        self.assertEqual("RELOADING=1", state)
        self.assertRegex(moment, r"^MONOTONIC_USEC=\d+$")
