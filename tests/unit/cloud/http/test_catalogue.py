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


"""A service that is not there, or not as it should be, is named with what is wrong about it."""

from __future__ import annotations

import contextlib

import requests_mock
import testtools

from tests.unit.cloud import clouds
from tests.unit.cloud.http.servers import Loopback, Stopwatch, answer, closed_port
from vfio_lm.cloud.http.catalogue import adapter, find_adapter, role_names
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import CloudError


def said(function, *args) -> str:
    """Return the error of a function, which is one sentence."""
    try:
        function(*args)
    except CloudError as exc:
        assert len(str(exc).splitlines()) == 1, exc
        return str(exc)
    raise AssertionError("no error")


def ask_nova(connection) -> None:
    ComputeClient.of(connection).max_microversion()


def ask_placement(connection) -> None:
    PlacementClient.of(connection).pci_providers()


class TestAbsentServices(testtools.TestCase):
    def test_a_service_that_refuses_connections_is_named_with_its_address(self) -> None:
        with contextlib.contextmanager(closed_port)() as url:
            for path in ("", "/v2.1"):
                asked = clouds.with_catalogue(placement=url, compute=url + path)
                self.assertRegex(
                    said(ask_placement, asked),
                    f"^placement cannot be reached at {url}/?: connection refused$",
                )
                self.assertRegex(
                    said(ask_nova, asked),
                    f"^nova cannot be reached at {url}{path}/?: connection refused$",
                )

    def test_a_service_that_the_catalogue_lacks_is_named(self) -> None:
        asked = clouds.with_catalogue(identity="http://127.0.0.1/identity")
        lacks = "cannot be reached: the catalogue has no endpoint of"
        self.assertIn(f"placement {lacks} placement", said(ask_placement, asked))
        self.assertIn(f"nova {lacks} nova", said(ask_nova, asked))

    def test_a_cloud_may_lack_neutron_and_cinder(self) -> None:
        asked = clouds.with_catalogue(compute="http://127.0.0.1/compute")
        for service in ("network", "block-storage"):
            self.assertIsNone(find_adapter(asked, service))

    def test_a_silent_service_is_waited_for_once(self) -> None:
        silent = self.useFixture(Loopback([b""], pause=60))
        asked = clouds.with_catalogue(compute=f"{silent.url}/v2.1")
        asked.session.timeout = 0.5
        with Stopwatch() as watch:
            self.assertIn("no complete answer within 0.5 s", said(ask_nova, asked))
        # At its own address, and at the one where all its versions are.
        self.assertLess(watch.seconds, 4)


class TestVersions(testtools.TestCase):
    @requests_mock.Mocker()
    def test_a_microversion_that_nova_does_not_serve_is_told_as_that(self, mock) -> None:
        clouds.mocked(mock, compute=clouds.NOVA)
        for config in ({"compute_api_version": "2.999"}, {"compute_default_microversion": "2.999"}):
            found = said(ask_nova, clouds.connect(**config))
            self.assertEqual(
                "nova cannot be used as it is configured: A default microversion for service "
                "compute of 2.999 was requested, but the cloud only supports a minimum of 2.1 and "
                "a maximum of 2.104",
                found,
            )

    @requests_mock.Mocker()
    def test_a_microversion_that_nova_serves_is_no_matter(self, mock) -> None:
        clouds.mocked(mock, compute=clouds.NOVA)
        ask_nova(clouds.connect(compute_api_version="2.1"))

    def test_what_is_no_version_document_is_told_as_that(self) -> None:
        documents = (
            "<html>",
            "null",
            "[]",
            "{}",
            "5",
            '{"versions": 5}',
            '{"versions": [5]}',
            '{"versions": [{"id": 5}]}',
            '{"version": null}',
            '{"versions": [{"id": "v2.1", "links": 5, "status": "CURRENT", "version": {"a": 1}}]}',
        )
        for document in documents:
            server = self.useFixture(Loopback([answer(document.encode())]))
            found = said(ask_nova, clouds.with_catalogue(compute=f"{server.url}/v2.1"))
            self.assertTrue(found.startswith("nova "), document)
            self.assertIn("with something else than", found, document)

    def test_a_service_with_an_error_at_its_versions_is_told_with_it(self) -> None:
        server = self.useFixture(Loopback([answer(b"<html>", "503 Service Unavailable")]))
        found = said(ask_nova, clouds.with_catalogue(compute=f"{server.url}/v2.1"))
        self.assertEqual("nova answered 503 to GET /v2.1: Service Unavailable", found)


class TestRoles(testtools.TestCase):
    @requests_mock.Mocker()
    def test_the_roles_are_those_of_the_token(self, mock) -> None:
        self.assertEqual({"admin"}, role_names(clouds.mocked(mock, compute=clouds.NOVA)))

    def test_keystone_that_is_gone_is_an_error_of_the_cloud(self) -> None:
        with requests_mock.Mocker() as mock:
            connection = clouds.mocked(mock, compute=clouds.NOVA)
            mock.post(f"{clouds.KEYSTONE}/auth/tokens", status_code=503)
            self.assertRaises(CloudError, role_names, connection)

    @requests_mock.Mocker()
    def test_an_adapter_is_that_of_the_sdk(self, mock) -> None:
        connection = clouds.mocked(mock, compute=clouds.NOVA)
        self.assertIs(connection.compute, adapter(connection, "compute"))
