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


"""How a service is asked: what counts as done, what as absent, and how pages are turned."""

from __future__ import annotations

import time

import fixtures
import requests_mock
import testtools
from keystoneauth1.adapter import Adapter

from tests.unit.cloud import answers
from tests.unit.cloud.http.servers import plain_adapter
from vfio_lm.cloud.http.endpoint import Endpoint, path
from vfio_lm.cloud.http.shape import Fields, text, whole
from vfio_lm.errors import CloudError

_URL = "http://127.0.0.1:8774/v2.1"


class EndpointTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mock = requests_mock.Mocker()
        self.mock.start()
        self.addCleanup(self.mock.stop)
        self.service = Endpoint("nova", plain_adapter(_URL), "2.100")

    def error(self, function, *args, **kwargs) -> str:
        return str(self.assertRaises(CloudError, function, *args, **kwargs))


class TestGet(EndpointTestCase):
    def test_an_answer_is_read(self) -> None:
        self.mock.get(f"{_URL}/a?b=c", json={"n": 1})
        self.assertEqual(1, self.service.get("/a", lambda body: body("n", whole), [("b", "c")]))

    def test_what_is_wrong_with_an_answer_is_said_with_its_place(self) -> None:
        asked = "nova at http://127.0.0.1:8774 answered GET /v2.1/a with something else than "
        for body, reason in (
            ({"text": "<html>"}, "JSON"),
            ({"text": "null"}, "its API promises: the answer is null, not an object"),
            ({"json": {}}, "its API promises: n is missing"),
            ({"json": {"n": "1"}}, "its API promises: n is a string, not a whole number"),
            ({"json": {"n": 1}, "status_code": 202}, "status 200: 202"),
        ):
            self.mock.get(f"{_URL}/a", **body)
            self.assertEqual(
                asked + reason, self.error(self.service.get, "/a", lambda b: b("n", whole))
            )

    def test_a_password_in_the_address_is_not_shown(self) -> None:
        service = Endpoint("nova", plain_adapter("http://u:secret@127.0.0.1:8774/v2.1"))
        self.mock.get("http://u:secret@127.0.0.1:8774/v2.1/a", text="<html>")
        self.assertNotIn("secret", self.error(service.get, "/a", Fields))


class TestClock(EndpointTestCase):
    """keystoneauth waits between requests by the wall clock, also where they have no rate."""

    def ask_after_a_step(self, service: Endpoint) -> list[float]:
        """Let the clock go back by an hour; return what a request waits for."""
        waits: list[float] = []
        past = time.time() - 3600
        self.useFixture(fixtures.MonkeyPatch("time.time", lambda: past))
        self.useFixture(fixtures.MonkeyPatch("time.sleep", waits.append))
        self.mock.get(f"{_URL}/a", json={})
        service.get("/a", lambda body: body)
        return waits

    def test_a_clock_that_went_back_holds_no_request(self) -> None:
        self.assertEqual([], self.ask_after_a_step(self.service))

    def test_a_rate_that_the_user_set_stays(self) -> None:
        session = plain_adapter(_URL).session
        service = Endpoint("nova", Adapter(session, service_type="compute", rate_limit=0.5))
        self.assertEqual(1, len(self.ask_after_a_step(service)))


class TestFind(EndpointTestCase):
    def test_what_the_service_says_does_not_exist_is_none(self) -> None:
        self.mock.get(f"{_URL}/a", status_code=404, json=answers.GONE)
        self.assertIsNone(self.service.find("/a", lambda body: body("n", whole)))

    def test_what_a_proxy_does_not_find_may_exist(self) -> None:
        for body in ({"text": "<html>Not Found"}, {"json": None}, {"json": []}, {"text": ""}):
            self.mock.get(f"{_URL}/a", status_code=404, **body)
            self.assertIn("something else than", self.error(self.service.find, "/a", Fields))


class TestPages(EndpointTestCase):
    def pages(self, **options) -> list[str]:
        return list(self.service.pages("/a", "as", lambda item: item("id", text), **options))

    def test_the_next_page_begins_behind_the_last_item(self) -> None:
        more = [{"rel": "self", "href": "…"}, {"rel": "next", "href": "…"}]
        self.mock.get(f"{_URL}/a?x=y", json={"as": [{"id": "1"}, {"id": "2"}], "as_links": more})
        self.mock.get(f"{_URL}/a?x=y&marker=2", json={"as": [{"id": "3"}], "as_links": []})
        self.assertEqual(["1", "2", "3"], self.pages(params=[("x", "y")]))

    def test_a_size_is_asked_for_with_each_page(self) -> None:
        more = [{"rel": "next", "href": "…"}]
        self.mock.get(f"{_URL}/a?limit=2", json={"as": [{"id": "1"}], "as_links": more})
        self.mock.get(f"{_URL}/a?limit=2&marker=1", json={"as": [{"id": "2"}]})
        self.assertEqual(["1", "2"], self.pages(size=2))

    def test_a_page_that_comes_again_is_an_error(self) -> None:
        more = [{"rel": "next", "href": "…"}]
        self.mock.get(f"{_URL}/a", json={"as": [{"id": "1"}], "as_links": more})
        self.assertIn("a page that it has not shown yet", self.error(self.pages))


class TestSend(EndpointTestCase):
    def test_only_the_status_of_the_api_is_a_success(self) -> None:
        self.mock.post(f"{_URL}/a", status_code=202)
        self.service.send("POST", "/a", json={}, expected=(202,))
        # A proxy, or another service, that takes anything.
        self.mock.post(f"{_URL}/a", text="<html>OK")
        error = self.error(self.service.send, "POST", "/a", json={}, expected=(202,))
        self.assertIn("answered POST /v2.1/a with something else than status 202: 200", error)

    def test_a_refusal_that_the_caller_can_do_with_is_no_error(self) -> None:
        self.mock.delete(f"{_URL}/a", status_code=404, json=answers.GONE)
        response = self.service.send("DELETE", "/a", expected=(204, 404))
        self.assertEqual(404, response.status_code)
        self.assertIn("answered 404", self.error(self.service.send, "DELETE", "/a"))

    def test_each_request_has_the_microversion(self) -> None:
        found = self.mock.get(f"{_URL}/a", json={})
        self.service.get("/a", lambda body: body)
        self.service.get("/a", lambda body: body, microversion="2.47")
        versions = [each.headers["OpenStack-API-Version"] for each in found.request_history]
        self.assertEqual(["placement 2.100", "placement 2.47"], versions)


class TestPath(testtools.TestCase):
    def test_whatever_is_in_a_segment_stays_in_it(self) -> None:
        self.assertEqual("/servers/a%2Fb%3Fc%20d", path("servers", "a/b?c d"))
        self.assertEqual("/os-extra_specs/trait:HW_X", path("os-extra_specs", "trait:HW_X"))
