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

"""nova-compute on a destination, as far as it checks and claims; on copies, from the database.

Nova's own function runs with stand-ins for what it asks others: libvirt on both hosts, and what it
writes. The devices that are free are those of the database's table of devices, which nova-compute
writes at once; their pools are the row of the compute node, which it writes a little later.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vfio_lm.inside_nova.fingerprint import undecorated


class DestinationCompute:
    """Answers conductor's RPC to one destination.

    :ivar error: what nova-compute raised, if it did
    :ivar cells: IDs of the host's NUMA nodes that the claim chose
    :ivar unmapped: addresses of the server's devices that nova has no other address for
    :ivar notes: what makes the answer less sure
    """

    def __init__(self, nodename: str, report_client: Any, network_api: Any) -> None:
        self._nodename = nodename
        self._report_client = report_client
        self._network_api = network_api
        self.error: Exception | None = None
        self.cells: tuple[int, ...] = ()
        self.unmapped: tuple[str, ...] = ()
        self.notes: list[str] = []

    def check_can_live_migrate_destination(
        self,
        context: Any,
        instance: Any,
        destination: str,
        block_migration: Any,
        disk_over_commit: Any,
        migration: Any,
        limits: Any,
    ) -> Any:
        """Do what nova-compute does when conductor asks whether a server may come."""
        from nova.compute import manager as compute_manager

        # Its changes would be written; conductor has a copy of its own.
        instance.save = lambda *args, **kwargs: None
        manager = compute_manager.ComputeManager.__new__(compute_manager.ComputeManager)
        manager.host = destination
        manager.driver = _Driver(self._nodename)
        manager.reportclient = self._report_client
        manager.network_api = self._network_api
        manager.compute_rpcapi = _SourceCompute()
        # What stands around it writes events and faults of the server.
        check = undecorated(
            compute_manager.ComputeManager.check_can_live_migrate_destination,
            "check_can_live_migrate_destination",
        )
        try:
            manager.rt = self._resource_tracker(context, instance, destination, manager.driver)
            data = check(
                manager, context, instance, block_migration, disk_over_commit, migration, limits
            )
        except Exception as exc:
            self.error = exc
            raise
        self._count_devices(instance, manager.rt.pci_tracker)
        self.unmapped = _unmapped(context, instance, data.pci_dev_map_src_dst)
        moved = instance.migration_context
        if moved is not None and moved.new_numa_topology is not None:
            self.cells = tuple(cell.id for cell in moved.new_numa_topology.cells)
        return data

    def _count_devices(self, instance: Any, tracker: Any) -> None:
        """Note if the server would get fewer devices than it asks for.

        That happens where placement chose devices of several NUMA nodes, and the claim keeps to
        one (nova/pci/stats.py, consume_requests, nova 34.0.0).
        """
        wanted = sum(each.count for each in instance.pci_requests.requests)
        claimed = sum(map(len, tracker.every_claim))
        if claimed < wanted:
            self.notes.append(f"nova-compute would claim {claimed} of {wanted} devices")

    def _resource_tracker(self, context: Any, instance: Any, host: str, driver: Any) -> Any:
        from nova import objects
        from nova.compute import resource_tracker

        class Tracker(resource_tracker.ResourceTracker):  # type: ignore[misc]
            """Claims, and keeps no account of it."""

            def __init__(self) -> None:
                self.host = host
                self.driver = driver

            def _claim_existing_migration(self, *args: Any, **kwargs: Any) -> None: ...

            def _claim_resources(self, *args: Any, **kwargs: Any) -> None: ...

            def _invalidate_pci_in_placement_cached_rps(self, *args: Any) -> None: ...

            def _update_usage_from_migration(self, *args: Any, **kwargs: Any) -> None: ...

            def _update(self, *args: Any, **kwargs: Any) -> None: ...

        node = objects.ComputeNode.get_by_host_and_nodename(context, host, self._nodename)
        tracker = Tracker()
        tracker.compute_nodes = {self._nodename: node}
        tracker.pci_tracker = self._pci_tracker(context, instance, node)
        return tracker

    def _pci_tracker(self, context: Any, instance: Any, node: Any) -> Any:
        from nova import objects
        from nova.pci import manager, stats, whitelist

        class PciTracker(manager.PciDevTracker):  # type: ignore[misc]
            """Claims devices in memory."""

            def __init__(self) -> None:
                self.claims: Any = collections.defaultdict(list)
                self.every_claim: list[Any] = []

            def claim_instance(self, *args: Any) -> Any:
                # A second claim of a server takes the place of the first in its claims.
                self.every_claim.append(super().claim_instance(*args))
                return self.every_claim[-1]

            def save(self, context: Any) -> None: ...

        topology = node.numa_topology
        if topology:
            topology = objects.NUMATopology.obj_from_db_obj(topology)
        tracker = PciTracker()
        tracker.pci_devs = objects.PciDeviceList.get_by_compute_node(context, node.id)
        tracker._build_device_tree(tracker.pci_devs)
        # The device specs are the host's own, and their outcome stands in the pools.
        tracker.stats = stats.PciDeviceStats(
            topology, stats=node.pci_device_pools, dev_filter=whitelist.Whitelist()
        )
        requests = instance.pci_requests.requests if instance.pci_requests else []

        def matters(pool: Mapping[str, Any]) -> bool:
            return any(tracker.stats._filter_pools_for_spec([pool], each) for each in requests)

        self.notes += fill_pools(tracker.stats.pools, tracker.pci_devs, matters)
        return tracker


def _unmapped(context: Any, instance: Any, addresses: Mapping[str, str]) -> tuple[str, ...]:
    """Return the devices of a server's aliases whose address nova would not replace.

    The devices of ports are not in the map: they are detached and attached.
    """
    from nova import objects

    of_ports = {
        each.request_id
        for each in instance.pci_requests.requests
        if each.source == each.NEUTRON_PORT
    }
    devices = objects.PciDeviceList.get_by_instance_uuid(context, instance.uuid)
    return tuple(
        each.address
        for each in devices
        if each.status == "allocated"
        and each.request_id not in of_ports
        and each.address not in addresses
    )


def fill_pools(
    pools: Sequence[dict[str, Any]],
    devices: Sequence[Any],
    matters: Callable[[Mapping[str, Any]], bool],
) -> list[str]:
    """Put the free devices into the pools they are counted in.

    :param matters: whether the server asks for devices like those of a pool
    :returns: what is unknown of the devices, in sentences; nothing of pools that do not matter
    """
    free = collections.defaultdict(list)
    for device in devices:
        if device.status == "available":
            free[place_of_device(device)].append(device)
    several = collections.Counter(place_of_pool(pool) for pool in pools)
    notes = []
    for pool in pools:
        place = place_of_pool(pool)
        if several[place] == 1:
            pool["devices"] = free.pop(place, [])
        else:
            # VFs of one PF that differ in their tags: which is which is not stored.
            pool["devices"] = [
                free[place].pop() for _ in range(min(pool["count"], len(free[place])))
            ]
        if len(pool["devices"]) != pool["count"] and matters(pool):
            notes.append(
                f"{len(pool['devices'])} devices of {place[0]} are free, and nova-compute "
                f"reported {pool['count']} last"
            )
        pool["count"] = len(pool["devices"])
    notes += [
        f"{len(each)} devices of {place[0]} are free, and nova-compute reported none last"
        for place, each in sorted(free.items(), key=lambda item: str(item[0]))
        if each
    ]
    return notes


def place_of_device(device: Any) -> tuple[Any, ...]:
    """Return what the devices of a pool have in common."""
    return (
        device.parent_addr or device.address,
        device.dev_type,
        device.vendor_id,
        device.product_id,
        device.numa_node,
    )


def place_of_pool(pool: dict[str, Any]) -> tuple[Any, ...]:
    """Return what the devices of a pool have in common, from the pool."""
    keys = ("address", "dev_type", "vendor_id", "product_id", "numa_node")
    return tuple(pool.get(key) for key in keys)


class _SourceCompute:
    """nova-compute on the source, where libvirt would be asked about disks and mediated devices."""

    def check_can_live_migrate_source(self, context: Any, instance: Any, data: Any) -> Any:
        """Say what the libvirt driver says of a server without either."""
        if instance.numa_topology:
            data.src_supports_numa_live_migration = True
        return data


class _Driver:
    """The libvirt driver of the destination, without a libvirt."""

    def __init__(self, nodename: str) -> None:
        self._nodename = nodename

    def get_available_nodes(self, refresh: bool = False) -> list[str]:
        return [self._nodename]

    def node_is_available(self, nodename: str) -> bool:
        return nodename == self._nodename

    def get_host_ip_addr(self) -> str:
        return ""

    def check_can_live_migrate_destination(
        self, context: Any, instance: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Say what the driver says where processor and disks fit."""
        from nova import objects

        data = objects.LibvirtLiveMigrateData()
        if instance.numa_topology:
            data.dst_supports_numa_live_migration = True
        return data

    def post_claim_migrate_data(
        self, context: Any, instance: Any, migrate_data: Any, claim: Any
    ) -> Any:
        return migrate_data

    def check_source_migrate_data_at_dest(
        self, context: Any, instance: Any, migrate_data: Any, *args: Any
    ) -> Any:
        return migrate_data

    def cleanup_live_migration_destination_check(self, context: Any, data: Any) -> None: ...
