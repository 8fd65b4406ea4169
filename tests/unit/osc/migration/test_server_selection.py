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

"""Which servers a command is about, said in one way only."""

import argparse
from unittest import mock

import testtools
from osc_lib import exceptions

from osc_vfio_lm.migration import server_selection


class TestSelection(testtools.TestCase):
    def parsed(self, *arguments):
        parser = argparse.ArgumentParser()
        server_selection.add_arguments(parser)
        return parser.parse_args(arguments)

    def read(self, *arguments):
        connection = mock.Mock()
        connection.identity.find_project.return_value = mock.Mock(id="p1")
        return server_selection.read(self.parsed(*arguments), connection)

    def test_one_server_is_one(self):
        self.assertTrue(server_selection.is_one(self.parsed("a")))
        for arguments in (("a", "b"), ("--all",), ("a", "--all"), ("--source-host", "c1")):
            self.assertFalse(server_selection.is_one(self.parsed(*arguments)), arguments)

    def test_servers_are_named_or_chosen(self):
        self.assertEqual(("a", "b"), self.read("a", "b").names)
        chosen = self.read("--project", "web", "--source-host", "c1")
        self.assertEqual(((), "p1", "c1"), (chosen.names, chosen.project_id, chosen.source_host))

    def test_what_makes_no_sense_is_refused(self):
        for arguments, words in (
            ((), "no server is given"),
            (("a", "--all"), "not both"),
            (("--all", "--project-domain", "d"), "only allowed with --project"),
        ):
            refused = self.assertRaises(exceptions.CommandError, self.read, *arguments)
            self.assertIn(words, str(refused))
