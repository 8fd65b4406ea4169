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


"""Each way in which a request can fail is one sentence that names the service and its address."""

from __future__ import annotations

import contextlib
import re

import requests
import requests_mock
import testtools
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3

from tests.unit.cloud.http.servers import Loopback, answer, closed_port, plain_adapter
from vfio_lm.cloud.http.endpoint import Endpoint
from vfio_lm.cloud.http.failure import answered_detail
from vfio_lm.errors import CloudError, ForbiddenError

JSON = {"Content-Type": "application/json"}


class TestSilence(testtools.TestCase):
    def failure(self, url: str, **options: float) -> str:
        service = Endpoint("nova", plain_adapter(url, **options))
        error = self.assertRaises(CloudError, service.get, "/servers", dict)
        self.assertEqual(1, len(str(error).splitlines()))
        return str(error)

    def test_a_refused_connection(self) -> None:
        with contextlib.contextmanager(closed_port)() as url:
            self.assertEqual(
                f"nova cannot be reached at {url}/servers: connection refused", self.failure(url)
            )

    def test_a_name_that_is_not_known(self) -> None:
        found = self.failure("http://nova.invalid:8774")
        self.assertTrue(
            found.startswith("nova cannot be reached at http://nova.invalid:8774/servers: ")
        )
        self.assertNotIn("object at 0x", found)

    def test_a_service_that_takes_too_long(self) -> None:
        server = self.useFixture(Loopback([b""], pause=60))
        self.assertEqual(
            f"nova cannot be reached at {server.url}/servers: no complete answer within 0.2 s",
            self.failure(server.url, timeout=0.2),
        )

    def test_a_service_that_hangs_up(self) -> None:
        server = self.useFixture(Loopback([]))
        self.assertIn("it closed the connection", self.failure(server.url))

    def test_what_is_no_http_server(self) -> None:
        server = self.useFixture(Loopback([b"SSH-2.0-OpenSSH_9.2\r\n"]))
        self.assertIn("does not speak HTTP", self.failure(server.url))

    def test_a_body_that_ends_too_early(self) -> None:
        whole = answer(b'{"a": 1}')
        server = self.useFixture(Loopback([whole[:-3]]))
        # Before release 2, urllib3 does not compare what came with the length that was promised.
        self.assertIn(
            self.failure(server.url),
            {
                f"nova cannot be reached at {server.url}/servers: it broke off its answer",
                f"nova at {server.url} answered GET /servers with something else than JSON",
            },
        )

    def test_passwords_in_an_endpoint_are_not_shown(self) -> None:
        with contextlib.contextmanager(closed_port)() as url:
            found = self.failure(url.replace("//", "//admin:secret@"))
            self.assertNotIn("secret", found)
            self.assertIn("connection refused", found)


class TestKeystone(testtools.TestCase):
    def failure(self, auth_url: str) -> str:
        auth = v3.Password(auth_url=auth_url, username="u", password="p", user_domain_id="d")
        service = Endpoint("nova", adapter.Adapter(session.Session(auth), service_type="compute"))
        return str(self.assertRaises(CloudError, service.get, "/servers", dict))

    def test_keystone_that_cannot_be_reached_is_not_taken_for_nova(self) -> None:
        with contextlib.contextmanager(closed_port)() as url:
            self.assertEqual(
                f"keystone cannot be reached at {url}/v3/auth/tokens: connection refused",
                self.failure(f"{url}/v3"),
            )

    @requests_mock.Mocker()
    def test_a_wrong_password(self, mock: requests_mock.Mocker) -> None:
        message = "The request you have made requires authentication."
        error = {"error": {"code": 401, "message": message}}
        mock.post("http://127.0.0.1/v3/auth/tokens", status_code=401, json=error, headers=JSON)
        self.assertRegex(
            self.failure("http://127.0.0.1/v3"), f"^keystone answered 401: {re.escape(message)}"
        )

    def test_garbage_instead_of_a_token(self) -> None:
        for body in (b"null", b"[]", b"5", b'{"token": null}', b'{"token": 5}', b"<html>"):
            with requests_mock.Mocker() as mock:
                mock.post("http://127.0.0.1/v3/auth/tokens", content=body)
                self.assertEqual(1, len(self.failure("http://127.0.0.1/v3").splitlines()), body)


class TestRefusal(testtools.TestCase):
    def refused(self, status: int, **body: object) -> CloudError:
        with requests_mock.Mocker() as mock:
            mock.get("http://127.0.0.1/servers", status_code=status, **body)
            service = Endpoint("nova", plain_adapter("http://127.0.0.1"))
            return self.assertRaises(CloudError, service.get, "/servers", dict)

    def test_the_words_of_each_service(self) -> None:
        bodies = (
            {"itemNotFound": {"code": 404, "message": "no\n such server"}},
            {"errors": [{"status": 404, "detail": "no such server"}]},
            {"NeutronError": {"type": "X", "message": "no such server", "detail": ""}},
            {"NeutronError": "no such server"},
            {"error": {"message": "no such server", "code": 404}},
            {"message": "no such server"},
        )
        for body in bodies:
            self.assertEqual(
                "nova answered 409 to GET /servers: no such server",
                str(self.refused(409, json=body)),
            )

    def test_a_refusal_of_a_proxy_is_named_by_its_status(self) -> None:
        for text in ("<html>Bad Gateway</html>", "[]", "null", '{"a": 5}', '{"a": {"b": []}}', "["):
            error = self.refused(502, text=text, reason="Bad Gateway")
            self.assertEqual("nova answered 502 to GET /servers: Bad Gateway", str(error))

    def test_a_forbidden_question_names_the_question(self) -> None:
        error = self.refused(403, json={"forbidden": {"message": "Policy does not allow it"}})
        self.assertIsInstance(error, ForbiddenError)
        self.assertEqual(
            "the admin role is needed: nova refused GET /servers (Policy does not allow it)",
            str(error),
        )

    def test_long_words_are_cut(self) -> None:
        response = requests.Response()
        response._content = b'{"a": {"message": "%s"}}' % (b"x" * 9999)
        self.assertEqual(500, len(answered_detail(response)))
