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

"""The English that people read: words that a native speaker stumbles over stay away.

All texts of the project are looked at, its comments and docstrings as well; not recorded output.
"""

from __future__ import annotations

import pathlib
import re

import testtools

_TOP = pathlib.Path(__file__).parents[2]

#: What to write instead of each word or phrase.
INSTEAD = {
    r"(?<![\"'])nobody": "no one, or the passive: 'is free', 'is unknown'",
    r"tells": "shows, says, reports; 'distinguishes' for 'tells apart'",
    r"(?:is|are|be|been|was|were) told": "is configured, knows, is reported",
    r"shall": "should, must; 'is to' for a plan",
    r"anew": "again",
    r"thereby|thereof|therein|hereby|wherein": "by this, of it, in it",
    r"which does not change the verdict": "but not needed for the verdict",
    r"(?:is|are) not settled": "is unknown; cannot tell whether",
    r"to settle what is": "missing information",
    r"what would settle": "what is missing",
    r"(?:host|server|device|file|alias|flavor|migration)s?\(e?s\)": "vfio_lm.text.counted",
}

_SUFFIXES = {".py", ".rst", ".yaml", ".html", ".cfg", ".toml", ".ini", ".sh", ".conf", ".service"}

#: What commands printed once, inputs from the field, and this list.
_RECORDED = ("doc/source/lab-transcript.txt", "tests/corpus", "tests/unit/test_language.py")

_FOLDERS = (
    "doc/source",
    "etc",
    "horizon_panel",
    "osc_vfio_lm",
    "placement_sync",
    "releasenotes/notes",
    "tests",
    "vfio_lm",
)

_AVOIDED = re.compile("|".join(rf"\b(?:{each})(?!\w)" for each in INSTEAD), re.IGNORECASE)


def _texts():
    """Yield every text of the project with its path in the tree."""
    for path in (_TOP / "README.rst", _TOP / "CONTRIBUTING.rst", _TOP / "tox.ini"):
        yield path.name, path.read_text()
    for folder in _FOLDERS:
        for path in sorted((_TOP / folder).rglob("*")):
            name = str(path.relative_to(_TOP))
            if path.suffix in _SUFFIXES and not name.startswith(_RECORDED):
                yield name, path.read_text()


def avoided(text: str) -> list[str]:
    """Return the words and phrases to avoid that a text has, also over the end of a line."""
    return _AVOIDED.findall(re.sub(r"\s+(?:#:? )?", " ", text))


class TestLanguage(testtools.TestCase):
    def test_no_text_has_a_word_to_avoid(self):
        found = [f"{name}: {words}" for name, text in _texts() if (words := avoided(text))]
        advice = "\n".join(f"{each}: {better}" for each, better in INSTEAD.items())
        self.assertEqual([], found, f"write instead:\n{advice}")

    def test_the_words_are_found(self):
        for text in (
            "Nobody knows",
            "the preflight is\n    told",
            "no API tells it",
            "1 host(s) checked",
            "2 servers(s) are",
            "it shall be\nmade anew",
        ):
            self.assertNotEqual([], avoided(text), text)
        for text in (
            "to tell them apart",
            'user "nobody"',
            "marshalled",
            "nobody_else",
            "foretold",
            "1 host",
        ):
            self.assertEqual([], avoided(text), text)
