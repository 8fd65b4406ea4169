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


"""Asking cinder about the volumes that servers boot from; what they mean is said elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from vfio_lm.cloud.http.endpoint import Endpoint, path
from vfio_lm.cloud.http.shape import Fields, listed, mapped, record, text
from vfio_lm.cloud.model.nova import Server
from vfio_lm.cloud.model.volume import Volume

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from openstack.connection import Connection
    from typing_extensions import Self

# More are looked for in the list of all.
_FEW_VOLUMES = 10
_PAGE = 1000


class VolumeClient:
    """The questions that this project asks cinder.

    Every question raises :class:`~vfio_lm.errors.CloudError` if cinder does not answer, refuses,
    or answers with something else than its API promises.

    :param adapter: a keystoneauth adapter of the block storage service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = Endpoint("cinder", adapter)

    @classmethod
    def of(cls, connection: Connection) -> Self | None:
        """Return a client of the cinder that a connection of the SDK leads to.

        :returns: None for a cloud without cinder
        :raises CloudError: if cinder does not answer
        """
        from vfio_lm.cloud.http.catalogue import find_adapter

        found = find_adapter(connection, "block-storage")
        return None if found is None else cls(found)

    def root_volumes(self, servers: Collection[Server]) -> dict[str, Volume | None]:
        """Return the volume that each server boots from, by the server's ID.

        A few volumes are asked for by their IDs, many in one list of all.

        :returns: None where cinder has no such volume
        """
        known: Mapping[str, Volume] | None = None
        wanted = [volume_id for server in servers for volume_id in server.volume_ids]
        if len(wanted) > _FEW_VOLUMES:
            known = self._volumes(frozenset(wanted))
        return {server.id: self._root_volume(server, known) for server in servers}

    def _root_volume(self, server: Server, known: Mapping[str, Volume] | None) -> Volume | None:
        """Look through the volumes of a server, which are asked for unless they are known."""
        for volume_id in server.volume_ids:
            if known is None:
                volume = self._http.find(
                    path("volumes", volume_id), lambda body: body("volume", record(_volume))
                )
            else:
                volume = known.get(volume_id)
            if volume is not None and server.root_device in volume.devices:
                return volume
        return None

    def _volumes(self, wanted: Collection[str]) -> dict[str, Volume]:
        """Return those volumes that are wanted, of whichever project."""
        pages = self._http.pages(
            "/volumes/detail", "volumes", _volume, [("all_tenants", "True")], size=_PAGE
        )
        return {volume.id: volume for volume in pages if volume.id in wanted}


def _volume(item: Fields) -> Volume:
    device = record(lambda attachment: attachment.get("device", text, None))
    return Volume(
        id=item("id", text),
        devices=frozenset(filter(None, item("attachments", listed(device)))),
        # Cinder leaves it out for a volume that was made of no image.
        image_properties=item.get("volume_image_metadata", mapped(text), {}),
    )
