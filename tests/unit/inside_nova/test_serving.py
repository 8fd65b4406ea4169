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

"""A process that serves answers each line with a line, whatever happens in between."""

import datetime
import io
import json
import os
from unittest import mock

import testtools

from vfio_lm.inside_nova.asking import Question
from vfio_lm.inside_nova.deadline import Deadline
from vfio_lm.inside_nova.serving import parse, serve
from vfio_lm.pci.nova_word import NovaWord

NOW = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)


class FakeAsking:
    """Answers, or fails for a server of that name."""

    def __init__(self):
        self.asked = []

    def word(self, question):
        self.asked.append(question)
        if "fails" in question.servers:
            raise RuntimeError("two\nlines")
        return NovaWord(NOW, "34.0.0")


class TestServe(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.asking, self.answers = FakeAsking(), io.StringIO()
        # Of the tests' process it could not be taken back.
        self.nice = self.enterContext(mock.patch.object(os, "nice", return_value=3))

    def serve(self, *lines, idle=60.0):
        reader, writer = os.pipe()
        os.write(writer, "".join(f"{line}\n" for line in lines).encode())
        if idle > 1:
            os.close(writer)
        else:
            self.addCleanup(os.close, writer)
        with os.fdopen(reader) as questions:
            serve(self.asking, Deadline(), questions, self.answers, idle)
        return [json.loads(line) for line in self.answers.getvalue().splitlines()]

    def test_each_question_has_an_answer(self):
        ready, first, second = self.serve('{"servers": ["a"]}', '{"wants_facts": true}')
        self.assertEqual({"ready": True}, ready)
        self.assertEqual(["34.0.0"] * 2, [first["nova_version"], second["nova_version"]])
        self.assertEqual([Question(("a",)), Question(wants_facts=True)], self.asking.asked)
        # Ten in all, whatever nova-api was started with.
        self.assertEqual([mock.call(0), mock.call(7)], self.nice.mock_calls)

    def test_an_error_is_answered_and_the_next_question_too(self):
        _, failed, strange, text, fine = self.serve(
            '{"servers": ["fails"]}', '{"mood": 1}', "x", '{"servers": ["a"]}'
        )
        self.assertEqual("RuntimeError: two lines", failed["error"])
        self.assertIn("a question has no mood", strange["error"])
        self.assertIn("JSONDecodeError", text["error"])
        self.assertEqual(1, fine["version"])

    def test_it_ends_when_nothing_is_asked(self):
        self.assertEqual([{"ready": True}], self.serve(idle=0.01))


class TestParse(testtools.TestCase):
    def test_a_question_and_its_time(self):
        line = '{"servers": ["a"], "source": "b", "is_about_all": true, "host": "c", "seconds": 2}'
        self.assertEqual((Question(("a",), "b", True, "c"), 2), parse(line))
        self.assertEqual((Question(), None), parse("{}"))
