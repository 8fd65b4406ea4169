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

"""The tutorial shows what its commands print, and the demo before it comes to its end."""

import re
import tempfile

from tests import demo, tutorial
from tests.functional import base


class TestTutorial(base.CloudTestCase):
    hosts = demo.SPEC.hosts
    aliases = demo.SPEC.aliases

    def test_each_transcript_is_what_its_commands_print_today(self):
        demo.create_flavors(self.connection)
        environ = tutorial.environ_of(self.cloud)
        for name, commands in tutorial.TRANSCRIPTS.items():
            written = (tutorial.FOLDER / f"{name}.txt").read_text()
            today = tutorial.transcript(commands, environ)
            self.assertEqual(tutorial.comparable(written), tutorial.comparable(today), name)

    def test_the_tutorial_shows_all_of_them_in_their_order(self):
        page = tutorial.FOLDER.with_suffix(".rst").read_text()
        shown = re.findall(r"^\.\. transcript:: (\w+)$", page, re.MULTILINE)
        self.assertEqual(list(tutorial.TRANSCRIPTS), shown)

    def test_each_command_of_the_demo_ends_as_it_should(self):
        with tempfile.TemporaryFile("w+") as output:
            demo.Demo(self.cloud, output).run()
            output.seek(0)
            said = output.read()
        self.assertIn("No valid host was found", said.partition("# Nova alone says less:")[2])
