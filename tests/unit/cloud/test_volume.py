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


"""What is read of cinder's volumes, where no real cinder runs beside the tests."""

from __future__ import annotations

import dataclasses

import requests_mock
import testtools

from tests.unit.cloud import answers, clouds
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.volume import VolumeClient

MORE = [{"rel": "next", "href": "…"}]


def client(mock: requests_mock.Mocker) -> VolumeClient:
    found = VolumeClient.of(clouds.mocked(mock, block_storage=clouds.CINDER))
    assert found is not None
    return found


def server(**changes):
    of_volume = {"image_properties": None, "volume_ids": ("v1", "v2"), "root_device": "/dev/vda"}
    return dataclasses.replace(facts().server, **of_volume | changes)


def volume(number, device="/dev/vda", **properties):
    return answers.volume(
        id=f"v{number}",
        attachments=[{"server_id": "s", "device": device}],
        volume_image_metadata=properties,
    )


def asked(mock: requests_mock.Mocker) -> list[str]:
    return [each.path for each in mock.request_history if "/volumes/" in each.path]


class TestRootVolumes(testtools.TestCase):
    def properties(self, mock, *servers):
        found = client(mock).root_volumes(servers)
        return {key: each and each.image_properties for key, each in found.items()}

    @requests_mock.Mocker()
    def test_the_root_volume_counts(self, mock):
        mock.get(
            f"{clouds.CINDER}/volumes/v1", json={"volume": volume(1, "/dev/vdb", os_distro="a")}
        )
        mock.get(f"{clouds.CINDER}/volumes/v2", json={"volume": volume(2, os_distro="b")})
        self.assertEqual({server().id: {"os_distro": "b"}}, self.properties(mock, server()))

    @requests_mock.Mocker()
    def test_volumes_behind_the_root_volume_are_not_asked_for(self, mock):
        mock.get(f"{clouds.CINDER}/volumes/v1", json={"volume": volume(1)})
        self.assertEqual({server().id: {}}, self.properties(mock, server()))
        self.assertEqual(1, len(asked(mock)))

    @requests_mock.Mocker()
    def test_a_volume_that_is_gone_is_none(self, mock):
        for name in ("v1", "v2"):
            gone = {"itemNotFound": {"code": 404, "message": "gone"}}
            mock.get(f"{clouds.CINDER}/volumes/{name}", status_code=404, json=gone)
        self.assertEqual({server().id: None}, self.properties(mock, server()))

    @requests_mock.Mocker()
    def test_a_volume_that_was_made_of_no_image_has_no_properties(self, mock):
        bare = volume(1)
        del bare["volume_image_metadata"]
        mock.get(f"{clouds.CINDER}/volumes/v1", json={"volume": bare})
        self.assertEqual({server().id: {}}, self.properties(mock, server()))

    @requests_mock.Mocker()
    def test_many_volumes_are_read_in_one_list_page_by_page(self, mock):
        servers = [server(id=f"s{number}", volume_ids=(f"v{number}",)) for number in range(20)]
        volumes = [volume(number, nr=str(number)) for number in range(21)]
        url = f"{clouds.CINDER}/volumes/detail?all_tenants=True"
        mock.get(url, json={"volumes": volumes[:12], "volumes_links": MORE})
        mock.get(f"{url}&marker=v11", json={"volumes": volumes[12:]})
        self.assertEqual(
            {f"s{number}": {"nr": str(number)} for number in range(20)},
            self.properties(mock, *servers),
        )
        self.assertEqual(2, len(asked(mock)))
