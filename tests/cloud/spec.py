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

"""What an embedded cloud should look like; not how it is built or run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

FIRST_BUS = 0x81
LAST_BUS = 0xFE

#: of a host whose processors divide among them
NUMA_NODES = 2

#: the physical networks of a cloud with neutron
PHYSICAL_NETWORKS = ("physnet1", "physnet2")

Json = dict[str, Any]


def _migratable_vf_spec() -> tuple[Json, ...]:
    return ({"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"},)


def _migratable_vf_alias() -> tuple[Json, ...]:
    return (
        {
            "name": "vf-lm",
            "vendor_id": "8086",
            "product_id": "1515",
            "device_type": "type-VF",
            "live_migratable": "yes",
        },
    )


@dataclasses.dataclass(frozen=True, slots=True)
class HostSpec:
    """One compute host with its SR-IOV devices (vendor 8086).

    :ivar pfs: physical functions per product id.
    :ivar vfs: virtual functions per physical function.
    :ivar products: product ids of the virtual functions; each gets its own set of PFs.
    :ivar bus: PCI bus number of all devices; None: the cloud gives each host its own.
    :ivar device_specs: ``[pci]device_spec`` of this host's nova.conf, in order.
    :ivar memory_mb: memory of the host in MiB.
    :ivar huge_pages: by size in KiB, how many there are on each NUMA node.
    :ivar report_in_placement: ``[pci]report_in_placement``; None: as the cloud's
        ``pci_in_placement``.
    :ivar physical_networks: those that its network agents serve, in a cloud with neutron.
    :ivar bandwidth_kbps: what its NIC switch agent offers in placement, each way, of each
        physical network; 0: nothing.
    """

    name: str
    pfs: int = 1
    vfs: int = 2
    products: tuple[str, ...] = ("1515",)
    bus: int | None = None
    device_specs: tuple[Json, ...] = dataclasses.field(default_factory=_migratable_vf_spec)
    libvirt_version: str = "10.0.0"
    qemu_version: str = "8.2.2"
    vcpus: int = 16
    memory_mb: int = 65536
    huge_pages: Mapping[str, int] = dataclasses.field(default_factory=dict)
    report_in_placement: bool | None = None
    physical_networks: tuple[str, ...] = PHYSICAL_NETWORKS
    bandwidth_kbps: int = 0

    @property
    def numa_nodes(self) -> int:
        """How many NUMA nodes its processors and memory are on."""
        return NUMA_NODES if self.vcpus % NUMA_NODES == 0 else 1

    @property
    def pages(self) -> tuple[tuple[int, int], ...]:
        """Size in KiB and number of the pages of each node: ordinary ones where none are huge."""
        huge = {int(size): count for size, count in self.huge_pages.items()}
        memory_kib = self.memory_mb * 1024 // self.numa_nodes
        ordinary = memory_kib - sum(size * count for size, count in huge.items())
        return ((4, ordinary // 4), *sorted(huge.items()))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HostSpec:
        """Make a host from what :func:`to_json` gave, or from a hand-written subset."""
        return cls(**_with_tuples(cls, data, "products", "device_specs", "physical_networks"))


def _three_hosts() -> tuple[HostSpec, ...]:
    return tuple(HostSpec(name=f"compute{number}") for number in (1, 2, 3))


@dataclasses.dataclass(frozen=True, slots=True)
class CloudSpec:
    """A whole cloud.

    :ivar aliases: ``[pci]alias`` of every nova.conf, in order.
    :ivar pci_in_placement: ``[filter_scheduler]pci_in_placement``, and whether hosts
        report their devices unless they say otherwise.
    :ivar neutron: whether the network service is neutron, with agents on every host, instead of
        nova's double of it.
    :ivar network_endpoint: whether the catalogue has a network service.
    :ivar volume_endpoint: whether it has a block storage service.
    :ivar placement_workers: processes that placement has.
    :ivar migration_seconds: how long the hypervisors take to move a guest.
    :ivar parallel_migrations: live migrations that may run at once in the whole cloud.
    :ivar corrections: of what ``vfio-lm-nova-compute`` corrects, by name.
    :ivar api_filter: options of nova-api's filter that serves the dry run; None: no filter.
    :ivar nova_options: further options of every nova.conf: section, option, value or values.
    """

    hosts: tuple[HostSpec, ...] = dataclasses.field(default_factory=_three_hosts)
    aliases: tuple[Json, ...] = dataclasses.field(default_factory=_migratable_vf_alias)
    pci_in_placement: bool = True
    neutron: bool = False
    network_endpoint: bool = True
    volume_endpoint: bool = False
    placement_workers: int = 1
    migration_seconds: float = 0.2
    parallel_migrations: int = 1
    corrections: tuple[str, ...] = ()
    api_filter: Mapping[str, str] | None = None
    nova_options: Mapping[str, Mapping[str, str | list[str]]] = dataclasses.field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        names = [host.name for host in self.hosts]
        if len(set(names)) != len(names):
            raise ValueError(f"two hosts of the cloud have the same name: {', '.join(names)}")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CloudSpec:
        """Make a cloud from what :func:`to_json` gave, or from a hand-written subset."""
        fields = _with_tuples(cls, data, "hosts", "aliases", "corrections")
        if "hosts" in fields:
            fields["hosts"] = tuple(HostSpec.from_json(host) for host in fields["hosts"])
        return cls(**fields)

    @property
    def left_out_of_catalogue(self) -> frozenset[str]:
        """The types of the services that the catalogue does not have."""
        has = {"network": self.network_endpoint, "block-storage": self.volume_endpoint}
        return frozenset(service_type for service_type, is_there in has.items() if not is_there)

    def reports_in_placement(self, host: HostSpec) -> bool:
        """Say whether a host's nova-compute puts its PCI devices into placement."""
        if host.report_in_placement is None:
            return self.pci_in_placement
        return host.report_in_placement

    def with_buses(self) -> CloudSpec:
        """Give each host that names no PCI bus one of its own.

        Hosts that differ in their PCI addresses show whether a live migration
        rewrites them.
        """
        hosts: list[HostSpec] = []
        for host in self.hosts:
            hosts.append(with_bus(host, hosts))
        return dataclasses.replace(self, hosts=tuple(hosts))


def with_bus(host: HostSpec, others: tuple[HostSpec, ...] | list[HostSpec]) -> HostSpec:
    """Give a host the first PCI bus that none of the others uses, unless it names one."""
    if host.bus is not None:
        return host
    used = {other.bus for other in others}
    free = (bus for bus in range(FIRST_BUS, LAST_BUS + 1) if bus not in used)
    return dataclasses.replace(host, bus=next(free, FIRST_BUS))


def to_json(spec: HostSpec | CloudSpec) -> Json:
    """Give the JSON form of a specification."""
    return dataclasses.asdict(spec)


def _with_tuples(cls: type[Any], data: Mapping[str, Any], *names: str) -> Json:
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(
            f"{cls.__name__} knows no {', '.join(unknown)}; it knows {', '.join(sorted(known))}"
        )
    return {
        name: tuple(value) if name in names and value is not None else value
        for name, value in data.items()
    }
