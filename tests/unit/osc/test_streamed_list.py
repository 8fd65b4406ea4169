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

"""Lists that are written item by item are those that cliff would write."""

import argparse
import io
import json

import testtools
import yaml
from cliff.formatters import json_format, yaml_format

from osc_vfio_lm import streamed_list

ROWS = [("a", {"x": [1, 2]}), ("b", {"x": []}), ("c\nd", None)]


class TestStreamedList(testtools.TestCase):
    def written(self, formatter, name, rows, noindent=False):
        stream = io.StringIO()
        parsed_args = argparse.Namespace(formatter=name, noindent=noindent)
        streamed_list.write(formatter, ("name", "value"), rows, stream, parsed_args)
        return stream.getvalue()

    def test_json_with_and_without_indents(self):
        for noindent in (False, True):
            for count in range(4):
                rows = ROWS[:count]
                text = self.written(json_format.JSONFormatter(), "json", iter(rows), noindent)
                expected = [{"name": name, "value": value} for name, value in rows]
                self.assertEqual(expected, json.loads(text), text)

    def test_yaml(self):
        for count in range(4):
            rows = ROWS[:count]
            text = self.written(yaml_format.YAMLFormatter(), "yaml", iter(rows))
            expected = [{"name": name, "value": value} for name, value in rows]
            self.assertEqual(expected, yaml.safe_load(text), text)

    def test_what_items_share_is_written_out_in_each(self):
        shared = {"of": [1]}
        rows = [("a", [shared, shared]), ("b", [shared, shared])]
        text = self.written(yaml_format.YAMLFormatter(), "yaml", iter(rows))
        self.assertNotIn("&", text)
        expected = [{"name": name, "value": value} for name, value in rows]
        self.assertEqual(expected, yaml.safe_load(text), text)

    def test_an_item_is_written_before_the_next_one_is_made(self):
        stream = io.StringIO()
        parsed_args = argparse.Namespace(formatter="json", noindent=False)

        def rows():
            yield ROWS[0]
            self.assertIn('"a"', stream.getvalue())
            yield ROWS[1]

        formatter = json_format.JSONFormatter()
        streamed_list.write(formatter, ("name", "value"), rows(), stream, parsed_args)
        self.assertEqual(["a", "b"], [item["name"] for item in json.loads(stream.getvalue())])
