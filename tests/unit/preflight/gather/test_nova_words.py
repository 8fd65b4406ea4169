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

"""Nova's word comes from the files that were given, or else from nova-api; neither is needed."""

from __future__ import annotations

import datetime

import testtools

from tests.unit.preflight.scenario import NOW, SERVER_ID, facts, nova_destination, nova_word
from vfio_lm.errors import CloudError, ForbiddenError
from vfio_lm.preflight.gather.nova_words import NovaWords
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.nova_says import GivenWord, Standing


class FakeNova:
    """A nova-api whose filter answers with a word, or an error."""

    def __init__(self, served: Exception | None = None, word: object = None) -> None:
        self.nova_itself = self
        self._served = served
        self._word = word
        self.asked: list[object] = []

    def dry_run_version(self) -> str:
        self.asked.append("version")
        if self._served is not None:
            raise self._served
        return "34.0.0"

    def dry_run(self, ids: object, host: object) -> object:
        self.asked.append((ids, host))
        if isinstance(self._word, Exception):
            raise self._word
        return self._word


class TestNovaWords(testtools.TestCase):
    def about(self, nova: FakeNova, **inputs: object):
        words = NovaWords(nova, Inputs(now=NOW, **inputs))
        return words.about([facts().server], "compute2")[SERVER_ID]

    def test_files_come_first(self) -> None:
        nova = FakeNova()
        given = GivenWord("nova.json", nova_word(nova_destination()))
        self.assertTrue(self.about(nova, nova_words=(given,)).counts)
        self.assertEqual([], nova.asked)

    def test_nova_is_not_asked_where_that_is_not_wanted(self) -> None:
        nova = FakeNova()
        self.assertIs(Standing.NOT_ASKED, self.about(nova, asks_nova=False).standing)
        self.assertEqual([], nova.asked)

    def test_a_nova_that_does_not_serve_it_is_not_asked_again(self) -> None:
        for error, said in (
            (CloudError("nova answered 404"), "does not serve its dry run (nova answered 404)"),
            (ForbiddenError("no"), "administrators only"),
        ):
            nova = FakeNova(error)
            found = self.about(nova)
            self.assertIs(Standing.NOT_ASKED, found.standing)
            self.assertIn(said, found.reason)
            self.assertEqual(["version"], nova.asked)

    def test_what_nova_api_just_said_counts_whatever_its_clock_shows(self) -> None:
        later = NOW + datetime.timedelta(hours=3)
        nova = FakeNova(word=nova_word(nova_destination(), taken_at=later))
        found = self.about(nova)
        self.assertEqual(
            (True, True, "nova-api"), (found.counts, found.is_fresh, found.given.origin)
        )
        self.assertEqual(["version", ([SERVER_ID], "compute2")], nova.asked)

    def test_a_dry_run_that_fails_is_silent_about_all(self) -> None:
        found = self.about(FakeNova(word=CloudError("no answer in time")))
        self.assertIs(Standing.SILENT, found.standing)
        self.assertIn("no answer in time", found.reason)
