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

"""Nova's word counts for a server where it is young, and about the server where it is."""

from __future__ import annotations

import dataclasses
import datetime

import testtools

from tests.unit.preflight.scenario import NOW, facts, nova_destination, nova_word
from vfio_lm.pci.nova_word import Ending, Omission
from vfio_lm.preflight.nova_says import GivenWord, Standing, about

_HOUR = datetime.timedelta(hours=1)
_WORD = nova_word(nova_destination())


def _ago(**age):
    return dataclasses.replace(_WORD, taken_at=NOW - datetime.timedelta(**age))


class TestNovaSays(testtools.TestCase):
    def about(self, *words, **server):
        given = [GivenWord(f"{number}.json", word) for number, word in enumerate(words)]
        return about(facts(server=server).server, given, NOW, _HOUR)

    def test_a_young_word_about_the_server_counts(self):
        for age, is_fresh in (({"seconds": 30}, True), ({"minutes": 30}, False)):
            found = self.about(_ago(**age))
            self.assertEqual((True, is_fresh, ""), (found.counts, found.is_fresh, found.reason))
            self.assertIs(Ending.ACCEPTED, found.answer.ending)

    def test_an_old_word_does_not_count_and_neither_does_one_from_the_future(self):
        for age, said in (({"minutes": 61}, "61 min old"), ({"minutes": -5}, "from the future")):
            found = self.about(_ago(**age))
            self.assertEqual((Standing.OLD, None), (found.standing, found.answer))
            self.assertIn(said, found.reason)
            self.assertEqual("server1", found.stored.name)

    def test_a_word_about_the_server_on_another_host_does_not_count(self):
        found = self.about(_WORD, host="compute9")
        self.assertEqual((Standing.ELSEWHERE, None), (found.standing, found.answer))
        self.assertIn("compute1", found.reason)

    def test_of_several_words_the_youngest_that_knows_the_server_counts(self):
        silent = dataclasses.replace(_WORD, answers=())
        found = self.about(_ago(minutes=9), _ago(minutes=5), silent)
        self.assertEqual("1.json", found.given.origin)

    def test_silence_is_explained_by_what_is_missing(self):
        silent = dataclasses.replace(_WORD, answers=(), servers=())
        found = self.about(silent)
        self.assertEqual((Standing.SILENT, None), (found.standing, found.answer))
        for subject in (f"server {facts().server.id}", "cell cell2"):
            found = self.about(
                dataclasses.replace(silent, omissions=(Omission(subject, "no answer"),))
            )
            self.assertIn("no answer", found.reason)
