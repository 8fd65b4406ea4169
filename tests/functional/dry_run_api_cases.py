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

"""nova-api with the filter that serves the dry run, asked over HTTP; for each release."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
import time
from typing import Any

import requests

from tests.cloud import Cloud, CloudSpec, HostSpec, environments
from tests.cloud.testcase import OwnCloudTestCase
from vfio_lm.pci.nova_word import Ending, NovaWord, parse_nova_word

_TIME_LIMIT = 20
_LONGEST = 120


class ApiFilter(OwnCloudTestCase):
    """One cloud for all tests of a release."""

    release = environments.CURRENT

    @classmethod
    def setUpClass(cls) -> None:
        hosts = tuple(HostSpec(name) for name in ("compute1", "compute2"))
        spec = CloudSpec(hosts=hosts, api_filter={"time_limit": str(_TIME_LIMIT)})
        cls.cloud = cls.enterClassContext(Cloud(spec, release=cls.release))
        super().setUpClass()

    def get(self, path: str, cloud: str = "embedded", **query: Any) -> Any:
        return self.cloud.connection(cloud).compute.get(f"/os-vfio-lm{path}", params=query)

    def word(self, path: str, **query: Any) -> NovaWord:
        response = self.get(path, **query)
        self.assertEqual(200, response.status_code, response.text)
        return parse_nova_word(response.text, path)

    def child(self) -> int | None:
        """The process that runs nova's code for nova-api."""
        conf = str(self.cloud.nova_conf())
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if "--serve" in words and conf in words and "vfio_lm.inside_nova.main" in words:
                return int(entry.name)
        return None

    def test_an_administrator_gets_novas_word(self) -> None:
        server = self.boot(host="compute1")
        description = self.get("").json()["vfio_lm"]
        self.assertEqual(
            (1, ["dry-run", "facts"]), (description["schema_version"], description["resources"])
        )
        (answer,) = self.word("/dry-run", server=server.id).answers
        self.assertIs(Ending.ACCEPTED, answer.ending)
        (answer,) = self.word("/dry-run", server=server.id, host="compute1").answers
        self.assertIs(Ending.REFUSED, answer.ending)
        for query in ({"source": "compute1"}, {"all": "true"}):
            self.assertEqual(
                [server.id], [each.id for each in self.word("/dry-run", **query).servers]
            )
        facts = self.word("/facts")
        self.assertEqual(["compute1", "compute2"], sorted(each.host for each in facts.hosts))
        self.assertEqual([server.id], [each.id for each in facts.servers])
        self.assertEqual(description["nova_version"], facts.nova_version)

    def test_what_is_missing_is_named(self) -> None:
        word = self.word("/dry-run", server="00000000-0000-0000-0000-000000000000")
        self.assertEqual(["does not exist"], [each.reason for each in word.omissions])
        word = self.word("/dry-run", source="nowhere")
        self.assertEqual(["nova has no such host"], [each.reason for each in word.omissions])

    def test_others_get_nothing(self) -> None:
        for cloud in ("embedded-demo", "embedded-reader"):
            for path in ("", "/dry-run", "/facts"):
                self.assertEqual(403, self.get(path, cloud).status_code)
        url = f"{self.cloud.urls['nova']}/os-vfio-lm"
        self.assertEqual(401, requests.get(url, timeout=_LONGEST).status_code)

    def test_nothing_can_be_changed(self) -> None:
        compute = self.client.compute
        for ask in (compute.post, compute.put, compute.delete, compute.patch):
            self.assertEqual(405, ask("/os-vfio-lm/facts").status_code)

    def test_novas_own_requests_are_as_before(self) -> None:
        self.assertEqual(404, self.client.compute.get("/os-vfio").status_code)
        self.assertEqual([], list(self.client.compute.servers(all_projects=True)))

    def test_a_process_that_hangs_holds_up_nobody_else(self) -> None:
        self.word("/facts")
        child = self.child()
        self.assertIsNotNone(child)
        os.kill(child, signal.SIGSTOP)
        found: list[Any] = []
        asking = threading.Thread(target=lambda: found.append(self.get("/facts")))
        asking.start()
        began = time.monotonic()
        while asking.is_alive() and time.monotonic() - began < 5:
            self.assertEqual([], list(self.client.compute.servers(all_projects=True)))
        self.assertTrue(asking.is_alive())
        asking.join(_LONGEST)
        self.assertEqual(503, found[0].status_code)
        self.assertIn("did not answer in time", found[0].text)
        # It is ended, and the next question is answered by another.
        self.word("/facts")
        self.assertNotEqual(child, self.child())

    def test_several_ask_at_once(self) -> None:
        server = self.boot(host="compute1")
        found: list[NovaWord] = []
        threads = [
            threading.Thread(target=lambda: found.append(self.word("/dry-run", server=server.id)))
            for _ in range(3)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(_LONGEST)
        self.assertEqual([Ending.ACCEPTED] * 3, [word.answers[0].ending for word in found])


class WithoutFilter(OwnCloudTestCase):
    """A nova-api of which the operator has changed nothing."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.cloud = cls.enterClassContext(Cloud(CloudSpec(hosts=(HostSpec("compute1"),))))
        super().setUpClass()

    def test_a_client_learns_it_from_one_request(self) -> None:
        self.assertEqual(404, self.client.compute.get("/os-vfio-lm").status_code)
