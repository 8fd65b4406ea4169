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

"""Nova's word is written short, and in one form for one moment."""

import datetime
import json

import testtools
from hypothesis import HealthCheck, given, settings

from tests.unit.pci.nova_word import words
from vfio_lm.pci.nova_word import (
    Ending,
    NovaAnswer,
    NovaDestination,
    NovaWord,
    parse_nova_word,
    to_json,
)


class TestToJson(testtools.TestCase):
    @given(words.WORDS)
    @settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def test_a_word_survives_on_one_line(self, word):
        text = to_json(word, indent=None)
        self.assertNotIn("\n", text)
        self.assertEqual(word, parse_nova_word(text, "there"))

    def test_what_has_its_default_is_left_out(self):
        there = NovaDestination("b", "b", Ending.ACCEPTED, candidates=2)
        answer = NovaAnswer(("1",), None, Ending.ACCEPTED, destinations=(there,))
        self.assertEqual(
            {
                "version": 1,
                "taken_at": "2026-11-24T04:00:00+00:00",
                "nova_version": "34.0.0",
                "answers": [
                    {
                        "servers": ["1"],
                        "source": None,
                        "ending": "accepted",
                        "destinations": [
                            {"host": "b", "node": "b", "ending": "accepted", "candidates": 2}
                        ],
                    }
                ],
            },
            json.loads(to_json(NovaWord(words.NOW, "34.0.0", answers=(answer,)))),
        )

    def test_the_time_is_written_in_utc(self):
        zone = datetime.timezone(datetime.timedelta(hours=9))
        written = json.loads(to_json(NovaWord(words.NOW.astimezone(zone), "34.0.0")))
        self.assertEqual("2026-11-24T04:00:00+00:00", written["taken_at"])
