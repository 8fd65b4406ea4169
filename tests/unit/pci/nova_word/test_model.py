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

"""An answer, a server or a destination is found by its name, and gaps are admitted."""

import testtools

from tests.unit.pci.nova_word import words
from vfio_lm.pci.nova_word import (
    Ending,
    NovaAnswer,
    NovaDestination,
    NovaWord,
    Omission,
    StoredServer,
)


class TestWord(testtools.TestCase):
    def test_what_is_asked_is_found_or_none(self):
        there = NovaDestination("b", "b", Ending.ACCEPTED)
        answer = NovaAnswer(("1", "2"), "a", Ending.ACCEPTED, destinations=(there,))
        server = StoredServer("1", "one", "p", "a", "a", "cell1", "active")
        word = NovaWord(words.NOW, "34.0.0", answers=(answer,), servers=(server,))
        self.assertIs(answer, word.answer("2"))
        self.assertIsNone(word.answer("3"))
        self.assertIs(server, word.server("1"))
        self.assertIsNone(word.server("2"))
        self.assertIs(there, answer.destination("b"))
        self.assertIsNone(answer.destination("c"))

    def test_half_a_word_says_so(self):
        self.assertTrue(NovaWord(words.NOW, "34.0.0").is_complete)
        half = NovaWord(words.NOW, "34.0.0", omissions=(Omission("cell two", "is down"),))
        self.assertFalse(half.is_complete)
