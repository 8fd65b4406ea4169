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

"""What nova's databases hold about servers: PCI requests, devices, NUMA topology."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.nova_word import ServerCell, StoredDevice, StoredRequest, StoredServer

#: What is read with a server, so that it is one query.
_ATTRIBUTES = (
    "flavor",
    "info_cache",
    "metadata",
    "migration_context",
    "numa_topology",
    "pci_devices",
    "pci_requests",
    "resources",
    "services",
    "system_metadata",
    "vcpu_model",
)
#: In a request's spec beside what the device's pool has to have.
_PROVIDERS = "rp_uuids"
_NO_REQUESTS = (None, "", "[]", "null")


class NotThereError(Exception):
    """Nova knows no such thing; the text says what is missing."""


@dataclasses.dataclass(frozen=True)
class AskedServer:
    """A server that nova is asked about.

    :ivar context: of an administrator, for the server's cell
    :ivar instance: nova's object
    :ivar spec: the request specification; None if there is none
    """

    context: Any
    cell: Any
    instance: Any
    spec: Any


def load(server_id: str) -> AskedServer:
    """Read a server.

    :raises NotThereError: if it does not exist
    """
    from nova import context as nova_context
    from nova import exception, objects

    context = nova_context.get_admin_context()
    try:
        mapping = objects.InstanceMapping.get_by_instance_uuid(context, server_id)
        if mapping.cell_mapping is None:
            raise NotThereError("is not in a cell yet")
        nova_context.set_target_cell(context, mapping.cell_mapping)
        instance = objects.Instance.get_by_uuid(
            context, server_id, expected_attrs=list(_ATTRIBUTES)
        )
    except (exception.InstanceMappingNotFound, exception.InstanceNotFound):
        raise NotThereError("does not exist") from None
    try:
        spec = objects.RequestSpec.get_by_instance_uuid(context, server_id)
    except exception.RequestSpecNotFound:
        spec = None
    return AskedServer(context, mapping.cell_mapping, instance, spec)


def ids_on(context: Any, host: str) -> list[str]:
    """Return the IDs of the servers of a host, for a context of the host's cell."""
    from nova import objects

    return sorted(objects.InstanceList.get_uuids_by_host(context, host))


def ids_with_devices(context: Any) -> list[str]:
    """Return the IDs of the servers of a cell that asked for PCI devices."""
    from nova.db.main import api, models

    columns = (models.InstanceExtra.instance_uuid, models.InstanceExtra.pci_requests)
    with api.get_context_manager(context).reader.using(context) as session:
        rows = session.query(*columns).filter(models.InstanceExtra.deleted == 0).all()
    return sorted(server for server, requests in rows if requests not in _NO_REQUESTS)


def describe(subject: AskedServer) -> StoredServer:
    """Return what is stored for a server."""
    from nova.compute import power_state

    instance, spec = subject.instance, subject.spec
    return StoredServer(
        id=instance.uuid,
        name=instance.display_name or "",
        project_id=instance.project_id or "",
        host=instance.host,
        node=instance.node,
        cell=subject.cell.name or subject.cell.uuid,
        vm_state=instance.vm_state,
        task_state=instance.task_state,
        power_state=power_state.STATE_MAP.get(instance.power_state),
        requests=_requests(instance.pci_requests),
        scheduled_requests=_requests(spec.pci_requests) if spec is not None else (),
        devices=_devices(subject),
        cells=_cells(instance.numa_topology),
    )


def _requests(requests: Any) -> tuple[StoredRequest, ...]:
    if requests is None:
        return ()
    return tuple(_request(each) for each in requests.requests)


def _request(request: Any) -> StoredRequest:
    specs = [
        {name: value for name, value in each.items() if value is not None}
        for each in request.spec or ()
    ]
    providers = [each.pop(_PROVIDERS, "") for each in specs]
    return StoredRequest(
        request_id=request.request_id,
        count=request.count,
        is_port=request.source == request.NEUTRON_PORT,
        alias=request.alias_name,
        live_migratable=_live_migratable(specs),
        numa_policy=request.numa_policy,
        specs=tuple(specs),
        providers=tuple(filter(None, ",".join(providers).split(","))),
    )


def _live_migratable(specs: Sequence[dict[str, str]]) -> LiveMigratable:
    """Return what all alternatives say; unspecified if they differ.

    Source: ``InstancePCIRequest.is_live_migratable`` (nova 34.0.0), which wants all of them to say
    yes.
    """
    said = {LiveMigratable.parse(each.get("live_migratable")) for each in specs}
    return said.pop() if len(said) == 1 else LiveMigratable.UNSPECIFIED


def _devices(subject: AskedServer) -> tuple[StoredDevice, ...]:
    """Return the devices of a server on every host, sorted by host and address."""
    from nova import objects

    devices = objects.PciDeviceList.get_by_instance_uuid(subject.context, subject.instance.uuid)
    nodes = {each.compute_node_id for each in devices}
    hosts = {node_id: _host(subject.context, node_id) for node_id in nodes}
    found = [
        StoredDevice(
            address=each.address,
            vendor_id=each.vendor_id,
            product_id=each.product_id,
            kind=each.dev_type,
            status=each.status,
            parent_address=each.parent_addr,
            numa_node=each.numa_node,
            request_id=each.request_id,
            host=hosts[each.compute_node_id],
        )
        for each in devices
    ]
    return tuple(sorted(found, key=lambda each: (each.host or "", each.address)))


def _host(context: Any, node_id: int) -> str | None:
    """Return the name of the host of a compute node; None if that is deleted."""
    from nova import exception, objects

    try:
        return str(objects.ComputeNode.get_by_id(context, node_id).host)
    except exception.ComputeHostNotFound:
        return None


def _cells(topology: Any) -> tuple[ServerCell, ...]:
    if topology is None:
        return ()
    return tuple(
        ServerCell(
            host_cell=cell.id,
            cpus=tuple(sorted(cell.cpuset | (cell.pcpuset or set()))),
            memory_mb=cell.memory,
            page_size_kb=cell.pagesize,
            cpu_policy=cell.cpu_policy,
            pinning={str(guest): host for guest, host in (cell.cpu_pinning or {}).items()},
        )
        for cell in topology.cells
    )
