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

"""The causes that follow from words, with the evidence that a person reads."""

import testtools
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.error_texts.examples import EXAMPLES
from vfio_lm.error_texts import ROWS, Certainty
from vfio_lm.migration.causes import Words, known_causes, not_understood, plain

_NOISE = st.text(st.characters(codec="utf-8"), max_size=60)


def causes(*texts, **fields):
    return list(known_causes(Words(text, "nova.log", **fields) for text in texts))


class TestCauses(testtools.TestCase):
    def test_each_text_has_its_cause(self):
        for id_, text in EXAMPLES.items():
            (cause,) = causes(text)
            self.assertEqual(id_, cause.id, text)
            self.assertIn(text[:200], cause.evidence[0])

    def test_the_same_words_twice_are_one_cause(self):
        text = EXAMPLES["plain-vfio-pci"]
        (cause,) = causes(text, text, f"again: {text}")
        self.assertEqual(2, len(cause.evidence))

    def test_words_about_perhaps_another_migration_make_nothing_certain(self):
        for text in EXAMPLES.values():
            (cause,) = causes(text, is_of_this_migration=False)
            self.assertIsNot(Certainty.CERTAIN, cause.certainty)


class TestAnyWords(testtools.TestCase):
    @given(_NOISE)
    @example("No valid host was found. There are not enough hosts available.")
    def test_what_no_rule_knows_is_said_to_be_not_understood(self, text):
        found = causes(text)
        unknown = not_understood([Words(text, "nova.log")])
        self.assertEqual(1, len(found) + len(unknown))

    @given(st.lists(st.sampled_from(sorted(EXAMPLES)), max_size=6))
    def test_each_cause_is_named_once(self, ids):
        fallbacks = {row.id for row in ROWS if row.is_fallback}
        expected = set(ids) - fallbacks or set(ids)
        found = [cause.id for cause in causes(*(EXAMPLES[id_] for id_ in ids))]
        self.assertEqual((expected, len(expected)), (set(found), len(found)))


class TestEvidence(testtools.TestCase):
    def test_the_first_of_many_lines_are_shown(self):
        said = [f"{EXAMPLES['state-refused']} {number} {'x' * 999}" for number in range(9)]
        (cause,) = causes(*said)
        self.assertEqual("and 6 more like these", cause.evidence[-1])
        self.assertLess(max(map(len, cause.evidence)), 400)

    def test_of_a_long_line_the_part_that_is_known_is_shown(self):
        (cause,) = causes(f"{'-device x ' * 99}{EXAMPLES['group-not-viable']}{' y' * 99}")
        self.assertIn("group 15 is not viable", cause.evidence[0])
        self.assertTrue(cause.evidence[0].startswith("nova.log: … "), cause.evidence)

    def test_objects_of_pythons_are_left_out(self):
        for text, expected in {
            "request [A(b=1,c=[D(e=2)])] failed": "request … failed",
            "request A(b=C(d=[1, 2": "request …",
            "host (compute2) and f(x)": "host (compute2) and f(x)",
            "": "",
        }.items():
            self.assertEqual(expected, plain(text))

    def test_several_lines_become_one(self):
        (cause,) = causes("Unacceptable CPU info: CPU doesn't have compatibility.\n\n0\n\nRefer to")
        self.assertEqual(
            "nova.log: Unacceptable CPU info: CPU doesn't have compatibility. 0 Refer to",
            cause.evidence[0],
        )
