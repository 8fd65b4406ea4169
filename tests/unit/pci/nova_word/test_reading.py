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

"""Nova's word is read back as it was written, and anything else is refused in a sentence."""

import json
import pathlib
import tempfile

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit import strategies
from tests.unit.pci.nova_word import words
from tests.unit.pci.nova_word.words import MINIMAL
from vfio_lm.pci.nova_word import NovaWord, NovaWordError, parse_nova_word, read_nova_word, to_json


class TestParse(testtools.TestCase):
    @given(words.WORDS)
    @settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def test_a_word_is_read_back_as_it_was_written(self, word):
        self.assertEqual(word, parse_nova_word(to_json(word), "there"))

    @given(
        strategies.JSON_VALUES.map(json.dumps)
        | st.text(max_size=9)
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys([*MINIMAL, "answers", "hosts"], strategies.JSON_VALUES),
        ).map(lambda fields: json.dumps(MINIMAL | fields))
    )
    def test_whatever_it_reads_the_answer_is_a_word_or_a_sentence(self, text):
        try:
            word = parse_nova_word(text, "there")
        except NovaWordError as exc:
            self.assertEqual("there", exc.location)
            self.assertEqual(1, len(str(exc).splitlines()), str(exc))
        else:
            self.assertIsInstance(word, NovaWord)

    def test_a_later_form_is_not_guessed_at(self):
        exc = self.assertRaises(
            NovaWordError, parse_nova_word, json.dumps(MINIMAL | {"version": 2}), "there"
        )
        self.assertIn("reads version 1", str(exc))

    def test_the_place_of_a_mistake_is_named(self):
        answers = [{"servers": ["a"], "source": "b", "ending": "perhaps"}]
        exc = self.assertRaises(
            NovaWordError, parse_nova_word, json.dumps(MINIMAL | {"answers": answers}), "there"
        )
        self.assertIn("$.answers[0].ending", str(exc))

    def test_a_time_without_a_zone_is_refused(self):
        text = json.dumps(MINIMAL | {"taken_at": "2026-11-24T04:00:00"})
        exc = self.assertRaises(NovaWordError, parse_nova_word, text, "there")
        self.assertIn("no time zone", str(exc))


class TestRead(testtools.TestCase):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name, "word.json")

    def test_a_file_is_read(self):
        self.path.write_text(json.dumps(MINIMAL))
        self.assertEqual("34.0.0", read_nova_word(self.path).nova_version)

    def test_a_file_that_is_missing_or_is_no_text(self):
        exc = self.assertRaises(NovaWordError, read_nova_word, self.path)
        self.assertEqual(f"{self.path}: cannot be read: No such file or directory", str(exc))
        self.path.write_bytes(b"\xff\xfe")
        exc = self.assertRaises(NovaWordError, read_nova_word, self.path)
        self.assertEqual(f"{self.path}: not a text file", str(exc))
