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

"""Each command that prints JSON has a schema, and what it prints is valid and complete."""

from __future__ import annotations

import importlib.metadata
import io
import json
from unittest import mock

import jsonschema
import testtools

from osc_vfio_lm import command
from osc_vfio_lm.json_schemas import SCHEMAS
from osc_vfio_lm.migration.check import CheckMigration
from tests.json_output import strict
from tests.unit.preflight.scenario import facts, nova_destination, nova_says, nova_word
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


class TestSchemas(testtools.TestCase):
    def test_each_command_with_json_has_one(self):
        named = {
            entry.name.removeprefix("vfio_").replace("_", " "): entry.load()
            for entry in importlib.metadata.entry_points(group="openstack.vfio.v1")
        }
        printing = {
            name
            for name, kind in named.items()
            if issubclass(kind, (command.Lister, command.ShowOne))
        }
        self.assertEqual(printing, SCHEMAS.keys())

    def test_each_is_a_schema(self):
        for schema in SCHEMAS.values():
            jsonschema.Draft202012Validator.check_schema(dict(schema))

    def test_a_report_of_any_kind_is_valid(self):
        for changes in (
            {},
            {"aliases": None},
            {"pci_in_placement": False},
            {"nova": nova_says(nova_word(nova_destination()))},
        ):
            report = examine(facts(**changes), installed_checks())
            app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO())
            check = CheckMigration(app, None)
            with mock.patch("vfio_lm.preflight.check_with", return_value=report):
                check.run(check.get_parser("check").parse_args(["a", "-f", "json"]))
            shown = json.loads(app.stdout.getvalue())
            jsonschema.validate(shown, strict(SCHEMAS["migration check"]))

    def test_a_key_that_no_schema_has_is_found(self):
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate([{"Name": "a"}], strict(SCHEMAS["alias list"]))
        with self.assertRaises(jsonschema.ValidationError):
            report = {"file": "a", "parts": [], "missing": [], "new": 1}
            jsonschema.validate(report, strict(SCHEMAS["report"]))
