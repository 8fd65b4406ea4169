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

"""The schema describes the model field by field, and lets through what is newer."""

import dataclasses
import json

import jsonschema
import testtools

from tests.unit.pci.nova_word.words import MINIMAL
from vfio_lm.pci.nova_word import (
    DevicePool,
    HostCell,
    NovaAnswer,
    NovaDestination,
    NovaWord,
    Objection,
    Omission,
    PageCount,
    ServerCell,
    StoredDevice,
    StoredHost,
    StoredRequest,
    StoredServer,
    parse_nova_word,
)
from vfio_lm.pci.nova_word.schema import SCHEMA

#: What stands at each place of the document.
_PLACES = {
    "": NovaWord,
    "answers": NovaAnswer,
    "answers.objections": Objection,
    "answers.destinations": NovaDestination,
    "answers.destinations.objections": Objection,
    "servers": StoredServer,
    "servers.requests": StoredRequest,
    "servers.scheduled_requests": StoredRequest,
    "servers.devices": StoredDevice,
    "servers.cells": ServerCell,
    "hosts": StoredHost,
    "hosts.cells": HostCell,
    "hosts.cells.pages": PageCount,
    "hosts.pools": DevicePool,
    "omissions": Omission,
}


def _at(place):
    found = SCHEMA
    for name in filter(None, place.split(".")):
        found = found["properties"][name]["items"]
    return found


class TestSchema(testtools.TestCase):
    def test_every_field_of_the_model_is_described(self):
        for place, kind in _PLACES.items():
            names = {field.name for field in dataclasses.fields(kind)}
            self.assertEqual(names, set(_at(place)["properties"]) - {"version"}, place)

    def test_a_field_without_default_is_required(self):
        nothing = dataclasses.MISSING
        for place, kind in _PLACES.items():
            names = {
                field.name
                for field in dataclasses.fields(kind)
                if field.default is field.default_factory is nothing
            }
            self.assertEqual(names, set(_at(place)["required"]) - {"version"}, place)

    def test_an_answer_about_no_server_is_refused(self):
        answer = {"servers": [], "source": None, "ending": "accepted"}
        wrong = MINIMAL | {"answers": [answer]}
        self.assertRaises(jsonschema.ValidationError, jsonschema.validate, wrong, SCHEMA)
        answer["servers"].append("1")
        jsonschema.validate(wrong, SCHEMA)

    def test_what_a_newer_release_adds_is_let_through(self):
        word = parse_nova_word(json.dumps(MINIMAL | {"mood": "good"}), "there")
        self.assertEqual("34.0.0", word.nova_version)
