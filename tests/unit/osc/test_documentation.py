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

"""The commands that the documentation has people type are understood."""

import contextlib
import importlib.metadata
import io
import pathlib
import re
import shlex

import testtools

from vfio_lm.compute import main as host_helper

_TOP = pathlib.Path(__file__).parents[3]
_GROUP = "openstack.vfio.v1"
# In a console block; a backslash at the end goes on with the next line.
_COMMAND = re.compile(r"^ +[$#] ((?:openstack vfio|vfio-lm-host) (?:.*\\\n)*.*)$", re.MULTILINE)


def _commands():
    for file in [_TOP / "README.rst", *sorted((_TOP / "doc" / "source").rglob("*.rst"))]:
        for text in _COMMAND.findall(file.read_text()):
            line = text.replace("\\\n", " ").partition(" | ")[0].partition(" > ")[0]
            yield file.relative_to(_TOP), shlex.split(line, comments=True)


class TestCommands(testtools.TestCase):
    def setUp(self):
        super().setUp()
        entries = importlib.metadata.entry_points(group=_GROUP)
        self.known = {tuple(entry.name.split("_")): entry for entry in entries}

    def _is_understood(self, words: list[str]) -> bool:
        program, *arguments = words
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                if program == "openstack":
                    name = next(
                        name
                        for length in range(len(arguments), 0, -1)
                        if (name := tuple(arguments[:length])) in self.known
                    )
                    command = self.known[name].load()(None, None)
                    command.get_parser("openstack").parse_args(arguments[len(name) :])
                else:
                    _, parser = host_helper._parse_command(arguments)
                    parser.parse_args(arguments)
        except StopIteration:
            return False
        except SystemExit as exc:
            return not exc.code
        return True

    def test_each_is_understood(self):
        found = list(_commands())
        self.assertGreater(len(found), 30)
        wrong = [(str(file), words) for file, words in found if not self._is_understood(words)]
        self.assertEqual([], wrong)

    def test_the_reference_says_what_help_says(self):
        # the pages are made from the parsers, but nothing is put in for %(default)s there
        for entry in self.known.values():
            parser = entry.load()(None, None).get_parser("openstack")
            texts = [action.help or "" for action in parser._actions]
            self.assertEqual([], [each for each in texts if "%" in each], entry.name)
