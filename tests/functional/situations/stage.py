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

"""What a situation is, and where it is made; no situation."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

from tests.cloud import networks
from tests.cloud.administrator import MICROVERSION
from tests.functional.base import CloudTestCase
from tests.functional.operating import Operator
from vfio_lm.preflight import Scope, Status, Verdict


class Stage(CloudTestCase):
    """A cloud in which situations are made; an operator stands by."""

    operator: Operator

    def mobile(self, flavor: str | None = None, **fields: Any) -> str:
        """Create a server on compute1 that could move to compute2."""
        server = self.boot(flavor or self.flavor("vf-yes:1"), host="compute1", **fields)
        self.operator.servers.append(server)
        return server

    def other(self, flavor: str, host: str = "compute2", **fields: Any) -> str:
        """Create another server, which the operator may move."""
        server = self.boot(flavor, host=host, name="other", **fields)
        self.operator.servers.append(server)
        self.operator.words["SERVER"] = server
        return server

    def set_vnic_type(self, port: str, vnic_type: str) -> None:
        """Change what kind of device a port needs."""
        body = {"port": {"binding:vnic_type": vnic_type}}
        self.assertTrue(self.connection.network.put(f"/ports/{port}", json=body).ok)

    def volume(self, **image_properties: str) -> str:
        """Create a volume of an image with such properties; return its ID."""
        volumes = self.connection.block_storage
        response = volumes.post("/volumes", json={"volume": {"size": 1, "name": "root"}})
        volume = str(response.json()["volume"]["id"])
        action = {"os-set_image_metadata": {"metadata": image_properties}}
        self.assertTrue(volumes.post(f"/volumes/{volume}/action", json=action).ok)
        return volume

    def port_server(self) -> tuple[str, str]:
        """Create a server with an SR-IOV port on compute1; return it and its port."""
        port = self.connection.network.find_port("sriov-1")
        return self.mobile(self.flavor(None), networks=[{"port": port.id}]), port.id

    def kept_port_server(self) -> str:
        """Create a server on compute1 with a port that it keeps while it moves."""
        network = self.connection.network.find_network(networks.SRIOV)
        port = self.connection.network.create_port(
            network_id=network.id, binding_vnic_type="macvtap"
        )
        return self.mobile(self.flavor(None), networks=[{"port": port.id}])

    def force_down(self, host: str) -> None:
        """Say that the nova-compute of a host is down."""
        (service,) = self.connection.compute.services(host=host, binary="nova-compute")
        self.connection.compute.put(
            f"/os-services/{service.id}", json={"forced_down": True}, microversion=MICROVERSION
        )


Make = Callable[[Stage], str]


class Place(enum.Enum):
    """In which kind of cloud a situation is made, and what the preflight knows beforehand."""

    IN_PLACEMENT = "devices are in placement; the preflight knows the nova.conf of the API"
    THREE_HOSTS = "the same, with a third host"
    ON_HOSTS = "devices are not in placement; the preflight knows nova.conf and facts of all hosts"
    PORTS = "the same, for devices of a physical network"
    NEUTRON = "the same, with a real neutron"


@dataclasses.dataclass(frozen=True)
class Situation:
    """Something that one check alone notices, and whose remedy settles it."""

    check: str
    status: Status
    make: Make
    """Makes the situation; returns the server."""
    place: Place = Place.IN_PLACEMENT
    scope: Scope | None = None
    """For a check that is asked both of the source and of a destination."""
    way: int = 0
    """Which of the ways of its remedy is taken."""
    besides: Callable[[Stage], None] | None = None
    """What a sentence of the remedy asks for that is no line to paste."""
    with_it: tuple[str, ...] = ()
    """Checks that cannot but have something to say as well."""
    perhaps_with: frozenset[str] = frozenset()
    """Checks that have something to say as well where chance wants it."""
    verdict: Verdict | None = None
    """Where it does not follow from the status."""
    afterwards: Status | None = None
    """What the check still says where the remedy is carried out."""
    left_open: tuple[str, ...] = ()
    """Checks that do not know, once the remedy is carried out, which only nova's word settles."""
    moves: bool = False
    """Whether it is the remedy itself that moves the server."""

    @property
    def name(self) -> str:
        """The name of its test."""
        where = f"{self.scope.value}_" if self.scope else ""
        way = f"_way_{self.way + 1}" if self.way else ""
        return f"{where}{self.check}_{self.make.__name__}{way}".replace("-", "_")
