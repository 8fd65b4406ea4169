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

"""What operators would give of an embedded cloud's hosts: their nova.conf and their facts."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.cloud import Cloud, HostSpec
from tests.cloud.spec import NUMA_NODES
from vfio_lm.pci import DeviceKind, PciAddress, read_nova_conf
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser, HostFacts
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.pci.numa_node import NumaNode, PagePool
from vfio_lm.preflight import Host

#: Product of the PFs of nova's fixture; each is the first function of its slot.
_PF_PRODUCT = "1528"
_GUEST_ADDRESS = re.compile(
    r"<source>\s*<address[^>]*bus=['\"]0x(\w+)['\"][^>]*slot=['\"]0x(\w+)['\"]"
    r"[^>]*function=['\"]0x(\w+)['\"]"
)

#: A VF whose driver can do everything.
ABLE: Mapping[str, Any] = {
    "driver": "mlx5_vfio_pci",
    "has_variant_driver": True,
    "migration": MigrationFlags(stop_copy=True, p2p=True),
    "logs_dma": True,
    "state_size_bytes": 1_000_000,
    "firmware": "24.35.1000",
}


#: The name of a VF's network interface on the hosts of the embedded cloud.
_VF_OF_MACVTAP = re.compile(r"<source dev=['\"]vf-\w+:(\w+):(\w+)\.(\w)['\"]")


def users(cloud: Cloud, server_ids: Iterable[str]) -> dict[tuple[str, PciAddress], DeviceUser]:
    """Return which server uses which device, by host and address, as the hypervisors have it."""
    connection = cloud.connection()
    found = {}
    for server_id in server_ids:
        server = connection.compute.get_server(server_id)
        xml = cloud.guest_xml(server_id)
        for fields in (*_GUEST_ADDRESS.findall(xml), *_VF_OF_MACVTAP.findall(xml)):
            bus, slot, function = (int(field, 16) for field in fields)
            address = PciAddress(0, bus, slot, function)
            found[server.hypervisor_hostname, address] = DeviceUser(server.name, server_id)
    return found


def host_facts(
    host: HostSpec,
    in_use: Mapping[tuple[str, PciAddress], DeviceUser],
    *,
    device: Mapping[str, Any] = ABLE,
    pf: Mapping[str, Any] | None = None,
    **changes: Any,
) -> HostFacts:
    """Return the facts of a host with fewer than eight VFs for each PF.

    :param device: of each VF
    :param pf: of each PF
    :param changes: of the host
    """
    devices = []
    assert host.bus is not None
    for number in range(len(host.products) * host.pfs):
        address = PciAddress(0, host.bus, number, 0)
        user = in_use.get((host.name, address))
        node = number % host.pfs % NUMA_NODES
        devices.append(
            DeviceFacts(
                address,
                "8086",
                _PF_PRODUCT,
                DeviceKind.PF,
                numa_node=node,
                user=user,
                **(pf or {}),
            )
        )
        devices += (
            DeviceFacts(
                child,
                "8086",
                host.products[number // host.pfs],
                DeviceKind.VF,
                parent_address=address,
                numa_node=node,
                user=in_use.get((host.name, child)),
                **device,
            )
            for function in range(1, host.vfs + 1)
            for child in [dataclasses.replace(address, function=function)]
        )
    known: dict[str, Any] = {
        "host": host.name,
        "taken_at": datetime.datetime.now(datetime.UTC),
        "devices": tuple(devices),
        "permits_post_copy": False,
        "downtime_ms": 500,
        "numa_nodes": numa_nodes(host),
        "timeout_action": "abort",
        "parallel_connections": 1,
    }
    return HostFacts(**known | changes)


def numa_nodes(host: HostSpec) -> tuple[NumaNode, ...]:
    """Return what libvirt shows of the NUMA nodes of a host."""
    nodes, cpus = host.numa_nodes, range(host.vcpus)
    return tuple(
        NumaNode(
            number,
            tuple(cpus[number * len(cpus) // nodes : (number + 1) * len(cpus) // nodes]),
            host.memory_mb * 1024 // nodes,
            tuple(PagePool(size, total) for size, total in host.pages),
        )
        for number in range(nodes)
    )


def knowledge(
    cloud: Cloud, hosts: Iterable[HostSpec], server_ids: Iterable[str], **changes: Any
) -> dict[str, Host]:
    """Return all that is known of hosts, by host; changes are those of :func:`host_facts`."""
    in_use = users(cloud, server_ids)
    return {
        host.name: Host(
            conf=read_nova_conf([cloud.nova_conf(host.name)]),
            facts=host_facts(host, in_use, **changes),
        )
        for host in hosts
    }
