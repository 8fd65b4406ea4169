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

"""The filter's child is started when it is needed, and never keeps nova-api waiting for long."""

import json
import os
import sys
import threading
import time
from unittest import mock

import testtools

from vfio_lm.inside_nova import child
from vfio_lm.inside_nova.child import BusyError, Child, ChildError

_SCRIPT = """
import json, os, sys, time
sys.stdout.write('{"ready": true}\\n'); sys.stdout.flush()
for line in sys.stdin:
    question = json.loads(line)
    if "sleep" in question: time.sleep(question["sleep"])
    if "end" in question: sys.exit(1)
    if "size" in question: question["text"] = "x" * question["size"]
    question["pid"] = os.getpid()
    if "fail" in question: question = {"error": "no database"}
    sys.stdout.write(json.dumps(question) + "\\n")
    sys.stdout.flush()
"""


class TestChild(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.starts = []
        self.child = self.child_of(_SCRIPT)

    def child_of(self, script):
        def command():
            self.starts.append(script)
            return [sys.executable, "-c", script]

        made = Child(command)
        self.addCleanup(made._end)
        return made

    def ask(self, seconds=30.0, **question):
        return json.loads(self.child.ask(question, seconds))

    def test_one_process_answers_many_questions(self):
        first, second = self.ask(number=1), self.ask(number=2)
        self.assertEqual((1, 2), (first["number"], second["number"]))
        self.assertEqual(first["pid"], second["pid"])
        self.assertEqual(1, len(self.starts))

    def test_it_hears_how_much_time_is_left(self):
        self.assertLessEqual(self.ask(seconds=30.0)["seconds"], 30.0)

    def test_a_large_answer_arrives_whole(self):
        self.assertEqual(3_000_000, len(self.ask(size=3_000_000)["text"]))

    def test_an_error_is_an_error_and_the_process_goes_on(self):
        pid = self.ask()["pid"]
        exc = self.assertRaises(ChildError, self.ask, fail=True)
        self.assertEqual("nova cannot be asked: no database", str(exc))
        exc = self.assertRaises(ChildError, self.ask, end=True)
        self.assertIn("ended unexpectedly", str(exc))
        self.assertNotEqual(pid, self.ask()["pid"])

    def test_one_that_does_not_answer_in_time_is_ended(self):
        with mock.patch.object(child, "_GRACE", 0.1):
            self.ask()
            began = time.monotonic()
            exc = self.assertRaises(ChildError, self.ask, seconds=0.2, sleep=60)
        self.assertIn("did not answer in time", str(exc))
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(7, self.ask(number=7)["number"])

    def test_one_that_ended_by_itself_is_started_again(self):
        process = self.ask()["pid"]
        self.child._process._child.kill()
        self.child._process._child.wait()
        self.assertNotEqual(process, self.ask()["pid"])

    def test_who_has_to_wait_too_long_is_told_so(self):
        self.ask()
        thread = threading.Thread(target=self.ask, kwargs={"sleep": 2})
        thread.start()
        self.addCleanup(thread.join)
        while not self.child._lock.locked():
            pass
        self.assertRaises(BusyError, self.ask, seconds=0.05)

    def test_one_that_cannot_start_rests_for_a_while(self):
        self.child = self.child_of('print(\'{"error": "this nova is not known"}\')')
        for _ in range(2):
            exc = self.assertRaises(ChildError, self.ask)
            self.assertEqual("nova cannot be asked: this nova is not known", str(exc))
        self.assertEqual(1, len(self.starts))

    def test_a_command_that_does_not_exist(self):
        self.child = Child(lambda: ["/nowhere/vfio-lm-nova"])
        exc = self.assertRaises(ChildError, self.ask)
        self.assertEqual(
            "/nowhere/vfio-lm-nova cannot be started: No such file or directory", str(exc)
        )

    def test_it_is_started_before_it_is_asked_if_somebody_looks(self):
        self.child.warm_up()
        self.child.warm_up()
        self.assertEqual(1, len(self.starts))
        self.ask()
        self.assertEqual(1, len(self.starts))

    def test_a_fork_of_nova_api_has_a_process_of_its_own(self):
        pid = self.ask()["pid"]
        with mock.patch.object(os, "getpid", return_value=os.getpid() + 1):
            self.assertNotEqual(pid, self.ask()["pid"])
            self.child._end()
        # The first goes on for whoever it belongs to.
        os.kill(pid, 0)


class TestDefaultCommand(testtools.TestCase):
    def test_it_is_the_one_beside_this_python(self):
        (command,) = child.default_command()
        self.assertEqual("vfio-lm-nova", os.path.basename(command))
