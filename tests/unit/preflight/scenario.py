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

"""Facts of a small imagined cloud that is ready; each test changes the one thing it is about."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Sequence
from typing import Any

import os_traits

from vfio_lm.cloud.model import (
    Candidate,
    Candidates,
    ComputeNode,
    ComputeService,
    Flavor,
    Inventory,
    Provider,
    Server,
    Tree,
)
from vfio_lm.cloud.model.candidate_query import nova_query, pci_group
from vfio_lm.pci import (
    Alias,
    AliasRequest,
    AliasSpec,
    DeviceKind,
    LiveMigratable,
    NovaConf,
    PciAddress,
    parse_device_specs,
)
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser, HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.pci.nova_word import (
    Ending,
    NovaAnswer,
    NovaDestination,
    NovaWord,
    Objection,
    StoredServer,
)
from vfio_lm.preflight.facts import Destination, Facts, Network, Source, SourceDevice
from vfio_lm.preflight.inputs import DEFAULT_MAX_AGE, Inputs
from vfio_lm.preflight.nova_says import GivenWord, NovaSays, about

VF = "CUSTOM_PCI_8086_1515"
PLAIN = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}

NOW = datetime.datetime(2026, 10, 5, 12, 0, tzinfo=datetime.UTC)

#: What nova-compute 34.0.0 puts on the provider of a live migratable PF.
MARKED = frozenset(
    {
        os_traits.COMPUTE_MANAGED_PCI_DEVICE,
        os_traits.OWNER_NOVA,
        os_traits.HW_PCI_LIVE_MIGRATABLE,
    }
)
#: The same where the device specification does not say live_migratable yes.
UNMARKED = MARKED - {os_traits.HW_PCI_LIVE_MIGRATABLE}
#: What nova-compute 31 to 33 puts there in both cases.
SILENT = frozenset({os_traits.COMPUTE_MANAGED_PCI_DEVICE})


#: What is another fact where the server has no devices.
NO_DEVICES: dict[str, Any] = {"alias_requests": (), "source": {"devices": ()}}


SERVER_ID = "92d0d15e-7bb1-43fd-9bdc-c3dae57ae0d0"


def nova_destination(
    host: str = "compute2", ending: Ending = Ending.ACCEPTED, **changes: Any
) -> NovaDestination:
    return NovaDestination(host, host, ending, **changes)


def nova_word(
    *destinations: NovaDestination,
    objections: tuple[Objection, ...] = (),
    taken_at: datetime.datetime = NOW,
    **changes: Any,
) -> NovaWord:
    """Return what nova says about the server on compute1."""
    answer: dict[str, Any] = {
        "servers": (SERVER_ID,),
        "source": "compute1",
        "ending": Ending.REFUSED if objections else Ending.ACCEPTED,
        "objections": objections,
        "destinations": destinations,
    }
    stored = StoredServer(SERVER_ID, "server1", "p", "compute1", "compute1", "cell1", "active")
    return NovaWord(
        taken_at=taken_at,
        nova_version="34.0.0",
        answers=(NovaAnswer(**(answer | changes)),),
        servers=(stored,),
    )


def nova_says(word: NovaWord) -> NovaSays:
    """Return how far a word counts for the server of the facts."""
    return about(facts().server, [GivenWord("nova.json", word)], NOW, DEFAULT_MAX_AGE)


def alias(live_migratable: LiveMigratable, *, name: str = "vf") -> Alias:
    spec = AliasSpec(vendor_id="8086", product_id="1515", live_migratable=live_migratable)
    return Alias(name=name, numa_policy="legacy", specs=(spec,))


SPEC_YES = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"}
SPEC_UNTAGGED = {"vendor_id": "8086", "product_id": "1515"}


def vf(function: int = 1, *, user: str | None = None, **changes: Any) -> DeviceFacts:
    """Return the facts of one VF of the PF 0000:81:00.0, whose driver can do everything."""
    known: dict[str, Any] = {
        "address": PciAddress(0, 0x81, 0, function),
        "vendor_id": "8086",
        "product_id": "1515",
        "kind": DeviceKind.VF,
        "parent_address": PciAddress(0, 0x81, 0, 0),
        "driver": "mlx5_vfio_pci",
        "has_variant_driver": True,
        "migration": MigrationFlags(stop_copy=True, p2p=True),
        "logs_dma": True,
        "state_size_bytes": 1_000_000,
        "user": DeviceUser("instance-1", user) if user else None,
    }
    return DeviceFacts(**(known | changes))


def conf(*specs: dict[str, Any], **changes: Any) -> NovaConf:
    """Return the nova.conf of a nova-compute."""
    known: dict[str, Any] = {
        "sources": ("nova.conf",),
        "aliases": {},
        "pci_in_placement": None,
        "device_specs": parse_device_specs([json.dumps(spec) for spec in specs]),
    }
    return NovaConf(**(known | changes))


def knowledge(
    host: str, *devices: DeviceFacts, specs: Sequence[dict[str, Any]] = (SPEC_YES,), **changes: Any
) -> Host:
    """Return the nova.conf and the facts of a host; changes are those of the facts."""
    known: dict[str, Any] = {"host": host, "taken_at": NOW, "devices": devices}
    return Host(conf=conf(*specs), facts=HostFacts(**(known | changes)))


def service(host: str, **changes: Any) -> ComputeService:
    known: dict[str, Any] = {"is_enabled": True, "is_up": True, "is_forced_down": False}
    return ComputeService(host=host, **(known | changes))


def node(host: str, **changes: Any) -> ComputeNode:
    known: dict[str, Any] = {
        "uuid": host,
        "hypervisor_hostname": host,
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8002002,
    }
    return ComputeNode(host=host, **(known | changes))


def pci_provider(
    host: str, number: int, traits: frozenset[str] = MARKED, free: int = 2
) -> Provider:
    name = f"{host}_0000:81:{number:02x}.0"
    return Provider(
        uuid=name,
        name=name,
        root_uuid=host,
        parent_uuid=host,
        traits=traits,
        inventories={VF: Inventory(capacity=4, used=4 - free)},
    )


def tree(host: str, *providers: Provider, free_vcpus: int = 8) -> Tree:
    root = Provider(
        uuid=host,
        name=host,
        root_uuid=host,
        parent_uuid=None,
        traits=frozenset({os_traits.OWNER_NOVA}),
        inventories={
            "VCPU": Inventory(capacity=16, used=16 - free_vcpus),
            "MEMORY_MB": Inventory(capacity=4096, used=0),
            "DISK_GB": Inventory(capacity=100, used=0),
        },
    )
    return Tree(root_uuid=host, providers={p.uuid: p for p in (root, *providers)})


def candidate(host: str, *providers: Provider) -> Candidate:
    groups = {f"_PCI{i}": (provider.uuid,) for i, provider in enumerate(providers)}
    return Candidate(providers_by_group={"": (host,)} | groups, root_uuids=frozenset({host}))


def destination(
    host: str = "compute2",
    providers: Sequence[Provider] | None = None,
    candidates: Sequence[Candidate] | None = None,
    **changes: Any,
) -> Destination:
    if providers is None:
        providers = [pci_provider(host, 0)]
    if candidates is None:
        candidates = [candidate(host, provider) for provider in providers]
    known: dict[str, Any] = {
        "service": service(host),
        "node": node(host),
        "tree": tree(host, *providers),
        "candidates": tuple(candidates),
    }
    return Destination(**(known | changes))


def facts(*, devices: int = 1, **changes: Any) -> Facts:
    """Return the facts; ``devices`` of one alias are asked for and held.

    Every nova-compute is 34.0.0, and so requires_owner, unless a test says otherwise. What is
    a field of the inputs may be given by its name.
    """
    held = pci_provider("compute1", 0)
    groups = [pci_group(i, VF, frozenset()) for i in range(devices)]
    destinations = changes.pop("destinations", (destination(),))
    requires_owner = changes.pop("requires_owner", True)
    server_changes = changes.pop("server", {})
    source_changes = changes.pop("source", {})
    names = {field.name for field in dataclasses.fields(Inputs)}
    told = {name: changes.pop(name) for name in names & changes.keys()}
    known: dict[str, Any] = {
        "server": dataclasses.replace(
            Server(
                id=SERVER_ID,
                name="server1",
                status="ACTIVE",
                vm_state="active",
                task_state=None,
                power_state=1,
                is_locked=False,
                host="compute1",
                created_at=NOW - datetime.timedelta(days=1),
                flavor=Flavor(name="vf.1", vcpus=1, ram_mib=512, disk_gib=1, extra_specs={}),
            ),
            **server_changes,
        ),
        "source": dataclasses.replace(
            Source(
                service=service("compute1"),
                node=node("compute1"),
                resources=PLAIN,
                devices=(SourceDevice(provider=held, resources={VF: devices}),),
            ),
            **source_changes,
        ),
        "destinations": destinations,
        "requested_host": None,
        "inputs": Inputs(
            **{
                "now": NOW,
                "aliases": {"vf": alias(LiveMigratable.YES)},
                "pci_in_placement": True,
                "aliases_changed_at": NOW - datetime.timedelta(days=2),
            }
            | told
        ),
        "alias_requests": (AliasRequest(alias="vf", count=devices),),
        "query": nova_query({}, PLAIN, groups, requires_owner=requires_owner),
        "candidates": Candidates(
            candidates=tuple(c for d in destinations for c in d.candidates), limit=1000
        ),
        "network": Network(),
        "image_properties": {},
        "pci_provider_count": 2,
        "user_is_admin": True,
        "nova_microversion": (2, 104),
    }
    return Facts(**(known | changes))
