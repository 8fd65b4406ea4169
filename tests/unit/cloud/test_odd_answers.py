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


"""Whatever a service answers, each question ends with data or with one sentence about the service.

A proxy, a wrong endpoint or another release may answer anything with status 200. Each answer that a
question needs is taken as the service writes it, and then one value in it, at each level, is
replaced by each of many odd ones, or left out.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import requests
import testtools
from hypothesis import strategies as st
from keystoneauth1 import session

from tests.unit.cloud import answers
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import CandidateQuery, Provider, RequestGroup
from vfio_lm.cloud.model.nova import NewFlavor
from vfio_lm.cloud.network import NetworkClient
from vfio_lm.cloud.nova import DryRunClient, MigrationClient, SchedulingClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.placement.write import TraitWriter
from vfio_lm.cloud.volume import VolumeClient
from vfio_lm.errors import CloudError

ID = answers.SERVER_ID
SINCE = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
SESSION = session.Session()
URL = "http://127.0.0.1:8774/v1"

#: What no API has in most places; ``None`` is null.
ODD = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    1e308,
    "",
    "text",
    "\ud800",
    [],
    [None],
    ["text"],
    [[]],
    [{}],
    {},
    {"text": None},
    {"text": {}},
    {"9" * 5000: "text"},
    {"links": 5, "rel": []},
)

#: Bodies that are none of an API at all.
GARBAGE = (
    b"",
    b"<html><body>Welcome</body></html>",
    b"null",
    b"5",
    b"[]",
    b"{}",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"a": NaN}',
    b"[" * 100_000,
    b'{"servers": ' + b"9" * 5000 + b"}",
)


class OneAnswer:
    """Stands for the adapter of a service whose every answer is the same."""

    auth = None

    def __init__(self, body: bytes, status: int) -> None:
        self.session = SESSION
        self._body = body
        self._status = status

    def request(self, path: str, method: str, **_: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = self._status
        response._content = self._body
        response.url = URL + path
        response.request = requests.Request(method, response.url).prepare()
        return response


@dataclasses.dataclass(frozen=True)
class Question:
    """A question of one client, and the answer that it is given as the service writes it."""

    client: Callable[[Any], Any]
    ask: Callable[[Any], object]
    answer: dict[str, Any]
    service: str = "nova"
    has_pages: bool = False
    status: int = 200

    def put(self, body: bytes | None = None) -> object:
        """Ask, and give a body for an answer; without one the right answer."""
        content = json.dumps(self.answer).encode() if body is None else body
        found = self.ask(self.client(OneAnswer(content, self.status)))
        return list(found) if isinstance(found, Iterator) else found


def _nova(ask: Callable[[Any], object], *, has_pages: bool = False, **answer: Any) -> Question:
    return Question(SchedulingClient, ask, answer, has_pages=has_pages)


def _dry_run(ask: Callable[[Any], object], **answer: Any) -> Question:
    return Question(DryRunClient, ask, answer)


def _migrations(
    ask: Callable[[Any], object], *, has_pages: bool = False, **answer: Any
) -> Question:
    return Question(MigrationClient, ask, answer, has_pages=has_pages)


def _placement(ask: Callable[[Any], object], **answer: Any) -> Question:
    return Question(PlacementClient, ask, answer, "placement")


def _neutron(ask: Callable[[Any], object], *, has_pages: bool = False, **answer: Any) -> Question:
    return Question(NetworkClient, ask, answer, "neutron", has_pages)


def _cinder(ask: Callable[[Any], object], *, has_pages: bool = False, **answer: Any) -> Question:
    return Question(VolumeClient, ask, answer, "cinder", has_pages)


_ACTION = {name: each for name, each in answers.action().items() if name != "events"}
_QUERY = CandidateQuery(groups=(RequestGroup(resources={"VCPU": 1}),))
_HOLDINGS = {"uuid-of-compute1": {"generation": 1, "resources": {"VF": 2}}}
_TRAITS = {"traits": ["OWNER_NOVA"], "resource_provider_generation": 1}
_BARE = Provider(uuid="u", name="n", root_uuid="u", parent_uuid=None)
_PROVIDERS = [answers.provider("compute1"), answers.provider("compute2")]
_BOOT_VOLUME = dataclasses.replace(
    facts().server, image_properties=None, volume_ids=("v1",), root_device="/dev/vda"
)
_MANY_VOLUMES = dataclasses.replace(_BOOT_VOLUME, volume_ids=tuple(f"v{n}" for n in range(20)))

QUESTIONS = {
    "version of the dry run": _dry_run(
        lambda nova: nova.dry_run_version(), vfio_lm={"nova_version": "34.0.0"}
    ),
    "dry run": _dry_run(lambda nova: nova.dry_run([ID], "compute2"), **answers.nova_word()),
    "server": _nova(lambda nova: nova.server(ID), server=answers.server()),
    "server by name": _nova(lambda nova: nova.server("a"), servers=[answers.server()]),
    "servers": _nova(lambda nova: nova.servers(), has_pages=True, servers=[answers.server()]),
    "flavors": _nova(
        lambda nova: nova.flavors(),
        has_pages=True,
        flavors=[answers.flavor("a"), answers.flavor("b")],
    ),
    "flavor": _nova(lambda nova: nova.flavor("1"), flavor=answers.flavor()),
    "create flavor": _nova(
        lambda nova: nova.create_flavor(NewFlavor("a", 1, 1)), flavor=answers.flavor()
    ),
    "services": _nova(lambda nova: nova.services(), services=[answers.service()]),
    "nodes": _nova(
        lambda nova: nova.nodes(with_servers=True),
        has_pages=True,
        hypervisors=[answers.hypervisor()],
    ),
    "aggregates": _nova(lambda nova: nova.aggregates(), aggregates=[answers.aggregate()]),
    "server group": _nova(
        lambda nova: nova.server_group("g1"), server_group=answers.server_group()
    ),
    "evacuated": _nova(
        lambda nova: nova.evacuated(), has_pages=True, migrations=[answers.migration()]
    ),
    "departures": _nova(
        lambda nova: nova.departures(SINCE), has_pages=True, migrations=[answers.migration()]
    ),
    "moves": _nova(lambda nova: nova.moves(ID), migrations=[answers.migration()]),
    "claims": _nova(lambda nova: nova.claims(), has_pages=True, migrations=[answers.migration()]),
    "resizes given up": _nova(
        lambda nova: nova.resizes_given_up(), has_pages=True, migrations=[answers.migration()]
    ),
    "action names": _nova(lambda nova: nova.action_names(ID), instanceActions=[_ACTION]),
    "shares": _nova(lambda nova: nova.shares(ID), shares=[answers.share()]),
    "topology": _nova(lambda nova: nova.topology(ID), **answers.topology()),
    "disable": _nova(lambda nova: nova.disable("compute1", "r"), services=[answers.service()]),
    "own server": _migrations(lambda nova: nova.own_server(ID), server=answers.server()),
    "own server by name": _migrations(
        lambda nova: nova.own_server("a"), servers=[answers.server()]
    ),
    "migrations": _migrations(
        lambda nova: nova.migrations(), has_pages=True, migrations=[answers.migration()]
    ),
    "newest migration": _migrations(
        lambda nova: nova.newest_migration(ID), migrations=[answers.migration()]
    ),
    "in progress": _migrations(
        lambda nova: nova.in_progress(ID),
        migrations=[answers.progress(memory_total_bytes=8, memory_processed_bytes=3)],
    ),
    "actions": _migrations(lambda nova: nova.actions(ID), instanceActions=[_ACTION]),
    "action": _migrations(
        lambda nova: nova.action(ID, "req-1"),
        instanceAction=answers.action(events=[answers.event("a"), answers.event("b")]),
    ),
    "allocations": _placement(lambda placement: placement.allocations("c"), allocations=_HOLDINGS),
    "candidates": _placement(
        lambda placement: placement.candidates(_QUERY), **answers.candidates()
    ),
    "PCI providers": _placement(
        lambda placement: placement.pci_providers(), resource_providers=_PROVIDERS
    ),
    "provider": _placement(
        lambda placement: placement.find_provider(name="compute1"), resource_providers=_PROVIDERS
    ),
    "traits in use": _placement(lambda placement: placement.traits_in_use(), traits=["OWNER_NOVA"]),
    "trees with room": _placement(
        lambda placement: placement.trees_with_room({}), **answers.candidates()
    ),
    "traits": _placement(lambda placement: placement.traits("u"), **_TRAITS),
    "details": _placement(
        lambda placement: placement.with_details(_BARE),
        inventories={"VF": answers.inventory()},
        usages={"VF": 2},
        **_TRAITS,
    ),
    "holders": _placement(
        lambda placement: placement.holders("u"),
        allocations={ID: {"resources": {"VF": 2}}},
        resource_provider_generation=1,
    ),
    "trait set": Question(TraitWriter, lambda writer: writer.read("u"), _TRAITS, "placement"),
    "networks": _neutron(
        lambda neutron: neutron.networks([ID]), has_pages=True, ports=[answers.port()]
    ),
    "PCI ports": _neutron(
        lambda neutron: neutron.pci_ports(), has_pages=True, ports=[answers.port()]
    ),
    "networks with groups": _neutron(
        lambda neutron: neutron.networks([ID]), has_pages=True, ports=[answers.port_with_groups()]
    ),
    "network agents": _neutron(
        lambda neutron: neutron.agents(), has_pages=True, agents=[answers.network_agent()]
    ),
    "segments": _neutron(
        lambda neutron: neutron.segments(["n1", "n2"]),
        has_pages=True,
        networks=[
            answers.network(),
            {"id": "n2", "segments": [answers.network(), answers.network()]},
        ],
    ),
    "port bindings": _neutron(
        lambda neutron: neutron.has_port_bindings(), extension={"alias": "binding-extended"}
    ),
    "root volume": _cinder(
        lambda cinder: cinder.root_volumes([_BOOT_VOLUME]), volume=answers.volume()
    ),
    "root volumes": _cinder(
        lambda cinder: cinder.root_volumes([_MANY_VOLUMES]),
        has_pages=True,
        volumes=[answers.volume()],
    ),
}


def changed(value: Any) -> Iterator[Any]:
    """Yield a JSON value with one value in it replaced by an odd one, or left out."""
    yield from copy.deepcopy(ODD)
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        without = copy.copy(value)
        del without[key]
        yield without
        for other in changed(inner):
            replaced = copy.copy(value)
            replaced[key] = other
            yield replaced


#: What changes something and reads no more of the answer than its status.
WRITES = {
    "abort",
    "add_tag",
    "allow_flavor",
    "confirm_resize",
    "delete_extra_spec",
    "delete_flavor",
    "delete_tag",
    "live_migrate",
    "resize",
    "set_extra_specs",
}

#: What asks nothing itself, or is asked through another question.
OTHERS = {
    "max_microversion",  # a version document, see test_catalogue
    "migrations_in_progress",
    "of",
    "providers",
    "uuids_with_trait",
    "uuids_without_trait",
}


class TestOddAnswers(testtools.TestCase):
    def test_every_question_of_the_clients_is_asked_here(self) -> None:
        asked = {name for each in QUESTIONS.values() for name in each.ask.__code__.co_names}
        clients = (
            SchedulingClient,
            DryRunClient,
            MigrationClient,
            PlacementClient,
            NetworkClient,
            VolumeClient,
        )
        for client in clients:
            questions = {name for name in dir(client) if not name.startswith("_")}
            self.assertEqual(set(), questions - asked - WRITES - OTHERS, client)

    def assert_data_or_a_sentence(self, question: Question, body: bytes) -> bool:
        """Assert that the answer is taken, or refused in one sentence; return whether it is."""
        try:
            found = question.put(body)
        except CloudError as exc:
            self.assertEqual(1, len(str(exc).splitlines()), body)
            str(exc).encode()
            return False
        # What is taken can be printed.
        repr(found).encode()
        return True

    def test_an_answer_as_it_should_be_is_taken(self) -> None:
        for name, question in QUESTIONS.items():
            body = json.dumps(question.answer).encode()
            self.assertTrue(self.assert_data_or_a_sentence(question, body), name)

    def test_odd_values_at_each_level(self) -> None:
        for name, question in QUESTIONS.items():
            with self.subTest(name):
                taken = [
                    self.assert_data_or_a_sentence(question, json.dumps(odd).encode())
                    for odd in changed(question.answer)
                ]
                self.assertIn(False, taken)

    def test_no_answer_of_the_api_at_all(self) -> None:
        for name, question in QUESTIONS.items():
            for body in GARBAGE:
                error = self.assertRaises(CloudError, question.put, body)
                start = f"{question.service} at http://127.0.0.1:8774 answered "
                self.assertTrue(str(error).startswith(start), f"{name}: {error}")
                self.assertIn(" with something else than ", str(error))

    def test_another_success_than_the_one_of_the_api(self) -> None:
        for question in QUESTIONS.values():
            for status in (201, 204, 304):
                other = dataclasses.replace(question, status=status)
                error = self.assertRaises(CloudError, other.put)
                self.assertIn("with something else than status", str(error))

    def test_a_next_page_that_never_ends(self) -> None:
        for name, question in QUESTIONS.items():
            (key, items), *_ = question.answer.items()
            endless = question.answer | {f"{key}_links": [{"rel": "next", "href": "x"}]}
            if question.has_pages:
                error = self.assertRaises(CloudError, question.put, json.dumps(endless).encode())
                self.assertIn("with something else than a page that", str(error), name)
                endless[key] = []
                self.assertRaises(CloudError, question.put, json.dumps(endless).encode())
            elif isinstance(items, list):
                body = json.dumps(endless).encode()
                self.assertTrue(self.assert_data_or_a_sentence(question, body), name)

    @hypothesis.given(st.sampled_from(sorted(QUESTIONS)), st.data())
    def test_any_two_oddities(self, name: str, data: st.DataObject) -> None:
        question = QUESTIONS[name]
        body = question.answer
        for _ in range(2):
            body = data.draw(st.sampled_from(list(changed(body))))
            if not isinstance(body, dict):
                break
        self.assert_data_or_a_sentence(question, json.dumps(body).encode())
