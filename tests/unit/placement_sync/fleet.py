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

"""Hosts, trees and a placement service in memory for the tests of the engine; it tests nothing."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests_mock
from keystoneauth1 import adapter, session, token_endpoint
from placement import exception

from placement_sync.engine.observed import Snapshot
from vfio_lm.cloud.model import Inventory, Provider
from vfio_lm.cloud.model.placement import group_into_trees
from vfio_lm.pci import (
    DeviceKind,
    NovaConf,
    PciAddress,
    parse_aliases,
    parse_device_specs,
)
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import MigrationFlags

CONCURRENT = str(exception.ResourceProviderConcurrentUpdateDetected())

URL = "http://127.0.0.1/placement"

LIVE = "HW_PCI_LIVE_MIGRATABLE"
NOT_LIVE = "CUSTOM_PCI_NOT_LIVE_MIGRATABLE"
MLX5 = "CUSTOM_VFIO_DRIVER_MLX5_VFIO_PCI"
MANAGED = "COMPUTE_MANAGED_PCI_DEVICE"
OWNER = "OWNER_NOVA"
CLASS = "CUSTOM_PCI_15B3_101E"

YES = {"vendor_id": "15b3", "product_id": "101e", "live_migratable": "yes"}
NO = {"vendor_id": "10de", "product_id": "2331", "live_migratable": "no"}
UNTAGGED = {"vendor_id": "15b3", "product_id": "101e"}

ALIAS_YES = {
    "name": "vf-yes",
    "vendor_id": "15b3",
    "product_id": "101e",
    "device_type": "type-VF",
    "live_migratable": "yes",
}


def host(
    name: str = "compute1",
    *specs: Mapping[str, Any],
    reports: bool | None = None,
    facts: HostFacts | None = None,
    aliases: Iterable[Mapping[str, Any]] = (),
) -> Host:
    conf = NovaConf(
        sources=(f"{name}.conf",),
        aliases=parse_aliases([json.dumps(alias) for alias in aliases]),
        pci_in_placement=None,
        device_specs=parse_device_specs(
            [json.dumps(spec) for spec in specs],
            locations=[f"{name}.conf:{line}" for line, _ in enumerate(specs, 2)],
        ),
        report_in_placement=reports,
    )
    return Host(name, name, conf, facts)


def facts(*devices: DeviceFacts, name: str = "compute1", **unknown: str) -> HostFacts:
    import datetime

    taken_at = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    return HostFacts(host=name, taken_at=taken_at, devices=devices, unknown=unknown)


def vf(function: int = 1, driver: str | None = "mlx5_vfio_pci", **changes: Any) -> DeviceFacts:
    """Return a VF of the PF 0000:81:00.0, on a VFIO driver that can migrate unless told else."""
    can_migrate = driver == "mlx5_vfio_pci"
    known: dict[str, Any] = {
        "vendor_id": "15b3",
        "product_id": "101e",
        "kind": DeviceKind.VF,
        "parent_address": PciAddress(0, 0x81, 0, 0),
        "driver": driver,
        "has_variant_driver": can_migrate,
        "migration": MigrationFlags(stop_copy=True, p2p=True) if can_migrate else None,
    }
    return DeviceFacts(address=PciAddress(0, 0x81, 0, function), **(known | changes))


def provider(name: str, root: str, *traits: str, classes: Iterable[str] = ()) -> Provider:
    return Provider(
        uuid=f"uuid-{name}",
        name=name,
        root_uuid=f"uuid-{root}",
        parent_uuid=None if name == root else f"uuid-{root}",
        traits=frozenset(traits),
        inventories={each: Inventory(capacity=4, used=0) for each in classes},
    )


def root(name: str = "compute1", *traits: str) -> Provider:
    return provider(name, name, *traits)


def of_nova(
    *traits: str, host: str = "compute1", address: str = "0000:81:00.0", **kwargs: Any
) -> Provider:
    """Return a PCI provider of a nova-compute 34."""
    return provider(f"{host}_{address.upper()}", host, MANAGED, OWNER, *traits, **kwargs)


def snapshot(*providers: Provider) -> Snapshot:
    trees = group_into_trees(providers)
    return Snapshot({tree.root.name: tree for tree in trees.values() if tree.root})


class Placement:
    """A placement service in memory, with generations; it also counts what it is asked.

    :ivar status: of every answer, if not what is due
    :ivar conflict: status of the refusal of a stale generation; placement has two
    :ivar before_put: called with the UUID before traits are written, to get in between
    """

    def __init__(self, *providers: Provider) -> None:
        self.providers = {each.uuid: each for each in providers}
        self.traits = {each.uuid: set(each.traits) for each in providers}
        self.generations = dict.fromkeys(self.providers, 0)
        self.known = {LIVE, MANAGED, OWNER}.union(*self.traits.values())
        self.requests: list[str] = []
        self.before_put: Callable[[str], None] = lambda uuid: None
        self.status: int | None = None
        self.conflict = 409

    @property
    def adapter(self) -> adapter.Adapter:
        auth = token_endpoint.Token(URL, "token")
        return adapter.Adapter(session.Session(auth), service_type="placement")

    def start(self) -> requests_mock.Mocker:
        mocker = requests_mock.Mocker()
        mocker.start()
        mocker.register_uri(requests_mock.ANY, re.compile(URL), text=self._answer)
        return mocker

    def write(self, uuid: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Change a provider as somebody else."""
        self.traits[uuid] = (self.traits[uuid] | set(add)) - set(remove)
        self.known |= set(add)
        self.generations[uuid] += 1

    def of(self, name: str) -> set[str]:
        return self.traits[f"uuid-{name}"]

    def _answer(self, request: Any, context: Any) -> str:
        path = urllib.parse.urlsplit(request.url).path.removeprefix("/placement")
        self.requests.append(f"{request.method} {path}")
        query = {key: values[0] for key, values in request.qs.items()}
        status, body = self._route(request, path, query)
        context.status_code = self.status or status
        return json.dumps(body)

    def _route(self, request: Any, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
        if path == "/resource_providers":
            return 200, {"resource_providers": list(self._listed(query))}
        if path == "/traits":
            return 200, {"traits": sorted(set().union(*self.traits.values()))}
        if path == "/allocation_candidates":
            return 200, {"allocation_requests": [], "provider_summaries": self._summaries()}
        if path.startswith("/traits/"):
            self.known.add(path.rpartition("/")[2])
            return 201, {}
        uuid = path.split("/")[2]
        if request.method == "PUT":
            self.before_put(uuid)
        if uuid not in self.traits:
            return 404, {"errors": [{"detail": "no such provider"}]}
        if request.method == "PUT":
            return self._put(uuid, request.json())
        return 200, {
            "traits": sorted(self.traits[uuid]),
            "resource_provider_generation": self.generations[uuid],
        }

    def _put(self, uuid: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        if body["resource_provider_generation"] != self.generations[uuid]:
            return self.conflict, {"errors": [{"detail": CONCURRENT}]}
        if not set(body["traits"]) <= self.known:
            return 400, {"errors": [{"detail": "no such trait"}]}
        self.traits[uuid] = set(body["traits"])
        self.generations[uuid] += 1
        return 200, {}

    def _listed(self, query: Mapping[str, str]) -> Iterable[Mapping[str, Any]]:
        for uuid, each in self.providers.items():
            wanted = query.get("required", "").upper()
            trait, is_had = wanted.removeprefix("!"), not wanted.startswith("!")
            if uuid not in self.traits or (trait and (trait in self.traits[uuid]) != is_had):
                continue
            if query.get("name", each.name) != each.name:
                continue
            if query.get("in_tree", each.root_uuid) != each.root_uuid:
                continue
            yield {
                "uuid": uuid,
                "name": each.name,
                "root_provider_uuid": each.root_uuid,
                "parent_provider_uuid": each.parent_uuid,
            }

    def _summaries(self) -> Mapping[str, Any]:
        return {
            uuid: {
                "root_provider_uuid": each.root_uuid,
                "parent_provider_uuid": each.parent_uuid,
                "traits": sorted(self.traits[uuid]),
                "resources": {name: {"capacity": 4, "used": 0} for name in each.inventories},
            }
            for uuid, each in self.providers.items()
        }
