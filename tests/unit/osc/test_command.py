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


from __future__ import annotations

import argparse

import testtools

from osc_vfio_lm.command import Lister


class ListOfNothing(Lister):
    _description = """\
List nothing

Two lines of prose that belong to one paragraph
become one paragraph.
  word   meaning
  other  another meaning"""

    def take_action(self, parsed_args: argparse.Namespace) -> object:
        raise NotImplementedError


class TestHelp(testtools.TestCase):
    def test_paragraphs_and_lists_stay_what_they_are(self) -> None:
        parser = ListOfNothing(app=None, app_args=None).get_parser("list")
        self.assertIn(
            "\nList nothing\n\n"
            "Two lines of prose that belong to one paragraph become one paragraph.\n"
            "  word   meaning\n"
            "  other  another meaning\n",
            parser.format_help(),
        )
