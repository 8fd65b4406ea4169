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

"""The pictures in the manual show what the commands print today."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import testtools

from tests import screens


class TestPictures(testtools.TestCase):
    def test_each_is_what_its_command_prints_today(self):
        page = (screens.FOLDER.parents[1] / "screens.rst").read_text()
        for name, picture in screens.pictures():
            written = (screens.FOLDER / name).read_text()
            self.assertEqual(written, picture, f"{name}: python -m tests.screens makes it again")
            self.assertIn(f"images/screens/{name}", page)
            ElementTree.fromstring(picture)

    def test_five_commands_are_shown_at_both_widths(self):
        shown = {path.name for path in screens.FOLDER.iterdir()}
        self.assertEqual({name for name, _ in screens.pictures()}, shown)
        self.assertEqual(10, len(shown))
