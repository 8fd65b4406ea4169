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

"""What nova's databases hold about hosts: services, NUMA nodes, devices."""

from __future__ import annotations

import collections
from typing import Any

from vfio_lm.inside_nova.destination import place_of_device, place_of_pool
from vfio_lm.pci.nova_word import DevicePool, HostCell, PageCount, StoredHost

#: Statuses of devices that are not there any more.
_GONE = ("removed", "deleted")
#: Keys of a pool that stand in fields of their own.
_NO_TAGS = ("address", "count", "dev_type", "numa_node", "product_id", "rp_uuid", "vendor_id")


def describe_all(context: Any, cell: Any, servicegroup: Any) -> list[StoredHost]:
    """Return what is stored for the hosts of a cell, for a context of that cell."""
    from nova import objects

    services = {
        each.host: each
        for each in objects.ServiceList.get_by_binary(
            context, "nova-compute", include_disabled=True
        )
    }
    devices = collections.defaultdict(list)
    for each in _devices(context):
        devices[each.compute_node_id].append(each)
    return [
        describe(node, cell, services[node.host], devices[node.id], servicegroup)
        for node in objects.ComputeNodeList.get_all(context)
        if node.host in services
    ]


def describe(node: Any, cell: Any, service: Any, devices: Any, servicegroup: Any) -> StoredHost:
    """Return what is stored for one compute node.

    :param devices: its rows of the table of devices
    """
    return StoredHost(
        host=node.host,
        node=node.hypervisor_hostname,
        id=node.uuid,
        cell=cell.name or cell.uuid,
        is_up=bool(servicegroup.service_is_up(service)),
        is_disabled=bool(service.disabled),
        is_forced_down=bool(service.forced_down),
        service_version=service.version,
        hypervisor_type=node.hypervisor_type,
        hypervisor_version=node.hypervisor_version,
        cells=_cells(node),
        pools=_pools(node, devices),
    )


def _devices(context: Any) -> list[Any]:
    from nova.db.main import api, models

    with api.get_context_manager(context).reader.using(context) as session:
        rows = session.query(models.PciDevice).filter(models.PciDevice.deleted == 0).all()
        return [row for row in rows if row.status not in _GONE]


def _cells(node: Any) -> tuple[HostCell, ...]:
    from nova import objects

    if not node.numa_topology:
        return ()
    topology = objects.NUMATopology.obj_from_db_obj(node.numa_topology)
    return tuple(
        HostCell(
            id=cell.id,
            shared_cpus=tuple(sorted(cell.cpuset)),
            dedicated_cpus=tuple(sorted(cell.pcpuset or ())),
            free_dedicated_cpus=tuple(sorted((cell.pcpuset or set()) - cell.pinned_cpus)),
            memory_mb=cell.memory,
            free_memory_mb=cell.memory - cell.memory_usage,
            pages=tuple(
                PageCount(each.size_kb, each.total, each.used, each.reserved)
                for each in cell.mempages
            ),
        )
        for cell in topology.cells
    )


def _pools(node: Any, devices: Any) -> tuple[DevicePool, ...]:
    pools = {}
    for each in node.pci_device_pools or ():
        pool = each.to_dict()
        pools[place_of_pool(pool)] = pool
    total: collections.Counter[Any] = collections.Counter(map(place_of_device, devices))
    free = collections.Counter(
        place_of_device(each) for each in devices if each.status == "available"
    )
    found = []
    for place in sorted(total, key=str):
        address, kind, vendor_id, product_id, numa_node = place
        pool = pools.get(place, {})
        found.append(
            DevicePool(
                address=address,
                vendor_id=vendor_id,
                product_id=product_id,
                kind=kind,
                total=total[place],
                free=free[place],
                numa_node=numa_node,
                tags={
                    name: str(value)
                    for name, value in pool.items()
                    if name not in _NO_TAGS and value is not None
                },
                provider=pool.get("rp_uuid"),
            )
        )
    return tuple(found)
