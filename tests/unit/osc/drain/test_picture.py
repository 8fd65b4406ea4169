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

"""A drain as a picture: whatever servers are called, the language stays valid."""

import argparse
import io

import testtools

from osc_vfio_lm.cells import DevicesColumn
from osc_vfio_lm.drain.picture import DotFormatter, MermaidFormatter

COLUMNS = ("Order", "ID", "Name", "State", "Destination", "Devices", "Reason", "Remedy")
ONE = DevicesColumn({"0000:82:00.0": 1})
LEAVES = (1, "i1", 'the "web"\\', "can leave", "compute2", ONE, None, None)
STAYS = (None, "i2", "db|<b>", "stays", None, DevicesColumn({}), "no room", "make some")


class TestPictures(testtools.TestCase):
    def drawn(self, formatter, *rows):
        stream = io.StringIO()
        formatter().emit_list(COLUMNS, rows, stream, argparse.Namespace(host="compute1"))
        return stream.getvalue()

    def test_dot(self):
        drawn = self.drawn(DotFormatter, LEAVES, STAYS)
        self.assertIn('"i1" [label="the \\"web\\"\\\\\\ncan leave"', drawn)
        self.assertIn('"i1" -> "host compute2" [label="1. 0000:82:00.0 × 1"];', drawn)
        self.assertIn('tooltip="no room"', drawn)
        self.assertEqual(1, drawn.count("->"))

    def test_mermaid(self):
        drawn = self.drawn(MermaidFormatter, LEAVES, STAYS)
        self.assertIn('server1("the #34;web#34;#92;<br/>can leave")', drawn)
        self.assertIn('server2("db#124;#60;b#62;<br/>stays")', drawn)
        self.assertEqual(1, drawn.count("-->"))

    def test_a_host_without_servers(self):
        self.assertIn('label="compute1"', self.drawn(DotFormatter))
        self.assertIn('subgraph source["compute1"]', self.drawn(MermaidFormatter))
