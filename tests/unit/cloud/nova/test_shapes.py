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


"""What nova's own schemas of its answers allow is read, as nova would have it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import testtools
from nova.api.openstack.compute.schemas import (
    aggregates,
    flavors,
    hypervisors,
    instance_actions,
    migrations,
    server_groups,
    server_migrations,
    server_shares,
    servers,
    services,
)

from tests.unit.cloud.test_odd_answers import QUESTIONS, changed
from vfio_lm.errors import CloudError, ForbiddenError

#: Nova's schema of the answer to a question, at the microversion that is asked with or the last
#: one before it.
SCHEMAS = {
    "servers": servers.detail_response_v2100,
    "flavors": flavors.detail_response_v275,
    "flavor": flavors.show_response_v275,
    "services": services.index_response_v269,
    "nodes": hypervisors.detail_response_v288,
    "aggregates": aggregates.index_response_v241,
    "server group": server_groups.show_response_v264,
    "departures": migrations.index_response_v280,
    "moves": migrations.index_response_v280,
    "claims": migrations.index_response_v280,
    "resizes given up": migrations.index_response_v280,
    "action names": instance_actions.index_response_v258,
    "shares": server_shares.index_response,
    "migrations": migrations.index_response_v280,
    "in progress": server_migrations.index_response_v280,
    "actions": instance_actions.index_response_v258,
    "action": instance_actions.show_response_v284,
}

#: What nova's schemas allow and its code never answers.
NEVER = (
    "hypervisor_version",  # a string; it is a whole number in nova's database
    "metadata",  # of an aggregate: anything but strings
    "is_public",  # anything but a boolean
    "number of more than 64 bits",
    "is a number, not a whole number",  # one that is written with a point
    "is not valid Unicode",
    "is not a time",
    "image.properties is missing",  # microversion 2.98 always has them
    "has a next page",  # behind an empty page
    "the cell of server",
)


def legal(schema: dict[str, Any], answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an answer with one odd value in it that the schema allows."""
    validator = jsonschema.Draft202012Validator(schema)
    for each in changed(answer):
        if validator.is_valid(each):
            yield each


class TestNovasSchemas(testtools.TestCase):
    def test_the_answers_of_these_tests_are_novas(self) -> None:
        for name, schema in SCHEMAS.items():
            with self.subTest(name):
                jsonschema.Draft202012Validator(schema).validate(QUESTIONS[name].answer)

    def test_what_nova_allows_is_read(self) -> None:
        for name, schema in SCHEMAS.items():
            found = list(legal(schema, copy.deepcopy(QUESTIONS[name].answer)))
            self.assertGreater(len(found), 5, name)
            for answer in found:
                try:
                    QUESTIONS[name].put(json.dumps(answer).encode())
                except ForbiddenError:
                    pass  # what the policies of a cloud hide is left out
                except CloudError as exc:
                    self.assertTrue(any(known in str(exc) for known in NEVER), f"{name}: {exc}")
