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

"""The block storage service of a cloud: nova's cinder fixture over HTTP; not a cinder.

Enough to make a volume, to say what its image was like, and to see where it is attached.
"""

from __future__ import annotations

from typing import Any

from nova.tests import fixtures as nova_fixtures

from tests.cloud.services.view import Answer, View

VERSION = "v3"

SHOWN = ("id", "name", "size", "status", "volume_image_metadata", "attachments")


class Volumes(nova_fixtures.CinderFixture):
    """Nova's double of cinder, which also remembers as what an arriving server has a volume."""

    def fake_attachment_create(
        self,
        context: Any,
        volume_id: str,
        instance_uuid: str,
        connector: dict[str, Any] | None = None,
        mountpoint: str | None = None,
    ) -> Any:
        """Do as cinder does with the mountpoint, which the fixture only keeps in an update."""
        if connector and mountpoint:
            connector = {**connector, "device": mountpoint}
        return super().fake_attachment_create(context, volume_id, instance_uuid, connector)


class VolumeView(View):
    """A WSGI application: volumes, of whichever project."""

    version = VERSION

    def __init__(self, cinder: Volumes, url: str) -> None:
        super().__init__()
        self._cinder = cinder
        self._url = url

    def answer(
        self, method: str, parts: list[str], query: dict[str, Any], body: dict[str, Any]
    ) -> Answer:
        """Answer a request."""
        match method, parts[1:]:
            case "GET", []:
                return "200 OK", {"versions": [self._version()]}
            case "POST", ["volumes"]:
                return "202 Accepted", {"volume": self._shown(self._create(**body["volume"]))}
            case "GET", ["volumes", "detail"]:
                return "200 OK", {
                    "volumes": [self._shown(each) for each in list(self._cinder.volumes)]
                }
            case "GET", ["volumes", name] if name in self._cinder.volumes:
                return "200 OK", {"volume": self._shown(name)}
            case "POST", ["volumes", name, "action"] if "os-set_image_metadata" in body:
                metadata = body["os-set_image_metadata"]["metadata"]
                volume = self._cinder.volumes[name]
                volume.setdefault("volume_image_metadata", {}).update(metadata)
                return "200 OK", {"metadata": volume["volume_image_metadata"]}
            case "GET", _:
                return _error(404, "404 Not Found", "/".join(parts))
        return _error(501, "501 Not Implemented", f"{method} {'/'.join(parts)}")

    def _version(self) -> dict[str, Any]:
        link = {"rel": "self", "href": f"{self._url}/"}
        version = {"version": "3.71", "min_version": "3.0"}
        return {"id": "v3.0", "status": "CURRENT", "links": [link], **version}

    def _create(self, size: int, name: str | None = None, **_: Any) -> str:
        volume = self._cinder.fake_vol_create(None, size, name, None)
        return str(volume["id"])

    def _shown(self, volume_id: str) -> dict[str, Any]:
        """Describe a volume as cinder does; attached is one that a host is connected to."""
        volume = dict(self._cinder.volumes[volume_id])
        volume["name"] = volume["display_name"]
        volume["attachments"] = [
            {
                "id": volume_id,
                "attachment_id": each["id"],
                "volume_id": volume_id,
                "server_id": each["instance_uuid"],
                "host_name": each["connector"].get("host"),
                "device": each["connector"].get("device"),
            }
            for each in list(self._cinder.volume_to_attachment.get(volume_id, {}).values())
            if each["connector"]
        ]
        return {name: volume[name] for name in SHOWN if name in volume}


def _error(code: int, status: str, what: str) -> Answer:
    return status, {"error": {"code": code, "message": what}}
