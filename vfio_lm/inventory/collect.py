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

"""Collecting the inventory of a cloud; the only place where it is read, in few requests.

The number of requests does not depend on how many hosts and providers a cloud has, apart from
nova's pages (1,000 servers, flavors or hypervisors on one by default) and from devices of hosts
that have nothing left. Servers with devices of an alias cost one request each where it is asked
what they hold.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import os_resource_classes
from keystoneauth1 import exceptions as ksa_exceptions

from vfio_lm.cloud import services
from vfio_lm.cloud.model import (
    PCI_VNIC_TYPES,
    ComputeNode,
    ComputeService,
    Provider,
    Server,
    pci_provider_name,
)
from vfio_lm.cloud.parallel import in_parallel
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.services import OnGap
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.inventory.alias import AliasUsage, alias_usage
from vfio_lm.inventory.device import Device, DeviceFilter, Holder, holders, hosts_of
from vfio_lm.inventory.flavor import PciFlavor, alias_use, pci_flavors
from vfio_lm.inventory.host import Host, hosts
from vfio_lm.inventory.server import (
    CouldMigrate,
    PciServer,
    could_migrate,
    held_devices,
    supply,
)
from vfio_lm.inventory.upgrade import Step, plan
from vfio_lm.pci import Alias
from vfio_lm.text import no_such, no_such_host

if TYPE_CHECKING:
    from openstack.connection import Connection

# What a host may have left. One request for each shows all hosts that have any of it, and hardly
# a host has used up all three to the last unit.
_ROOM = (os_resource_classes.MEMORY_MB, os_resource_classes.VCPU, os_resource_classes.DISK_GB)

_HOST_AND_ADDRESS = re.compile(r"^(.+):([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[0-7])$", re.IGNORECASE)
_UUID = re.compile(r"^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$", re.IGNORECASE)


def collect_devices(
    connection: Connection, wanted: DeviceFilter | None = None
) -> tuple[Device, ...]:
    """Return the PCI devices that nova counts in placement, by host and address.

    :raises NotFoundError: if neither nova nor a provider knows the host that is asked for, or no
        device is of the resource class
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    wanted = wanted or DeviceFilter()
    nova = services.nova(connection)
    placement = services.placement(connection)
    nodes = nova.nodes()
    providers = placement.pci_providers()
    host_of = hosts_of(providers.values(), nodes.values())
    root = None
    if wanted.host is not None:
        providers = {u: p for u, p in providers.items() if host_of[u] == wanted.host}
        if not providers and wanted.host not in nodes:
            raise NotFoundError(no_such_host(wanted.host, {*nodes, *host_of.values()}))
        root = next((provider.root_uuid for provider in providers.values()), None)
    devices = [
        Device(provider=provider, host=host_of[provider.uuid])
        for provider in _with_units(placement, providers, root)
    ]
    classes = {device.resource_class for device in devices} - {""}
    if wanted.resource_class is not None and wanted.resource_class not in classes:
        where = f" on {wanted.host}" if wanted.host is not None else ""
        raise NotFoundError(
            no_such(f"resource class of PCI devices{where}", wanted.resource_class, classes)
        )
    return tuple(
        sorted(
            filter(wanted.accepts, devices),
            key=lambda device: (device.host, device.address, device.provider.uuid),
        )
    )


def collect_hosts(connection: Connection, on_gap: OnGap | None = None) -> tuple[Host, ...]:
    """Return every host that has a nova-compute or PCI devices, by name.

    :param on_gap: is given what a service refuses to tell, and what the other one tells is
        returned; without it that is raised
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    found_services, nodes, providers = {}, {}, None
    with services.gap(on_gap):
        nova = services.nova(connection)
        found_services, nodes = nova.services(), nova.nodes()
    with services.gap(on_gap):
        placement = services.placement(connection)
        providers = _with_units(placement, placement.pci_providers(), None)
    return hosts(found_services, nodes, providers)


def find_device(connection: Connection, name: str) -> tuple[Device, tuple[Holder, ...]]:
    """Return a PCI device, and who holds units of it.

    :param name: the UUID of its provider, or HOST:ADDRESS
    :raises NotFoundError: if there is no such device
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    nova = services.nova(connection)
    placement = services.placement(connection)
    nodes = nova.nodes()
    if _UUID.match(name):
        provider = placement.find_provider(uuid=name)
    elif match := _HOST_AND_ADDRESS.match(name):
        host, address = match.groups()
        root = nodes[host].hypervisor_hostname if host in nodes else host
        provider = _provider_at(placement, host, pci_provider_name(root, address))
    else:
        raise NotFoundError(
            f"'{name}' is neither the UUID of a provider nor of the form HOST:ADDRESS, for "
            f"example compute1:0000:81:00.0"
        )
    provider = placement.with_details(provider)
    if not provider.is_pci:
        raise NotFoundError(
            f"provider {provider.uuid} ({provider.name}) is no PCI device of nova's"
        )
    host = hosts_of([provider], nodes.values())[provider.uuid]
    allocations = placement.holders(provider.uuid)
    names = (
        {server.id: server.name for server in nova.servers(host)}
        if allocations and host in nodes
        else {}
    )
    return Device(provider=provider, host=host), holders(allocations, names)


def list_servers(
    connection: Connection,
    *,
    host: str | None = None,
    aliases: Mapping[str, Alias] | None = None,
) -> tuple[PciServer, ...]:
    """Return the servers that ask for devices by alias, by host and name, as nova knows them.

    What they hold is not known then, see :func:`look_at_servers`.

    :param host: only those on this host
    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    return _by_alias(services.nova(connection).servers(host), aliases)


def look_at_servers(
    connection: Connection,
    servers: Iterable[PciServer],
    aliases: Mapping[str, Alias] | None = None,
    on_gap: OnGap | None = None,
) -> tuple[PciServer, ...]:
    """Return servers with the devices that they hold, and a guess at whether they could migrate.

    One request is made for each.

    :param servers: of :func:`list_servers`, with the same aliases
    :param on_gap: is given what a service refuses to tell, and the servers are returned as they
        are; without it that is raised
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    known = tuple(servers)
    with services.gap(on_gap):
        nova = services.nova(connection)
        return _looked_at(connection, known, nova.nodes(), nova.services(), aliases)
    return known


def collect_servers(
    connection: Connection,
    *,
    host: str | None = None,
    aliases: Mapping[str, Alias] | None = None,
) -> tuple[PciServer, ...]:
    """Return the servers that hold devices by alias, with a guess at whether they could migrate.

    :param host: only those on this host
    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises NotFoundError: if no nova-compute has the host that is asked for
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    nova = services.nova(connection)
    found_services = nova.services()
    if host is not None and host not in found_services:
        raise NotFoundError(no_such_host(host, found_services))
    found = _by_alias(nova.servers(host), aliases)
    return _looked_at(connection, found, nova.nodes(), found_services, aliases) if found else ()


def collect_flavors(
    connection: Connection, aliases: Mapping[str, Alias] | None = None
) -> tuple[PciFlavor, ...]:
    """Return the flavors that ask for devices by alias, by name.

    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    nova = services.nova(connection)
    return pci_flavors(nova.flavors(), nova.servers(), aliases)


def collect_alias_usage(connection: Connection) -> Mapping[str, AliasUsage]:
    """Return which flavors and servers use each alias that is used at all.

    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    nova = services.nova(connection)
    return alias_usage(nova.flavors(), nova.servers())


def collect_uses(
    connection: Connection, aliases: Mapping[str, Alias] | None = None
) -> tuple[tuple[PciFlavor, ...], Mapping[str, AliasUsage]]:
    """Return what :func:`collect_flavors` and :func:`collect_alias_usage` do, with one look."""
    nova = services.nova(connection)
    flavors, servers = nova.flavors(), nova.servers()
    return pci_flavors(flavors, servers, aliases), alias_usage(flavors, servers)


def find_flavor(
    connection: Connection, name_or_id: str, aliases: Mapping[str, Alias] | None = None
) -> PciFlavor:
    """Return one flavor that asks for devices by alias.

    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises NotFoundError: if there is none of that name or ID, or it asks for no device
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    nova = services.nova(connection)
    flavor = nova.flavor(name_or_id)
    found = pci_flavors([flavor], nova.servers(), aliases)
    if not found:
        raise NotFoundError(f"flavor '{flavor.name}' asks for no PCI device by alias")
    return found[0]


def plan_upgrade(
    connection: Connection, aliases: Mapping[str, Alias], flavor_map: Mapping[str, str]
) -> tuple[Step, ...]:
    """Return what has to be done until nova live migrates every server.

    Parameters and order are those of :func:`vfio_lm.inventory.upgrade.plan`.

    :raises FlavorError: if the map names a flavor that does not exist or is no way out
    :raises CloudError: if nova or neutron does not answer, or the user's roles do not suffice
    """
    nova = services.nova(connection)
    return plan(nova.servers(), nova.flavors(), _pci_ports(connection), aliases, flavor_map)


def _by_alias(
    servers: Iterable[Server], aliases: Mapping[str, Alias] | None
) -> tuple[PciServer, ...]:
    found = (
        PciServer(
            server=server,
            use=use,
            devices=(),
            could_migrate=CouldMigrate.UNKNOWN,
            reason="placement was not asked",
        )
        for server in servers
        if (use := alias_use(server.flavor.extra_specs, aliases)) is not None
    )
    return tuple(sorted(found, key=lambda item: (item.server.host, item.server.name)))


def _looked_at(
    connection: Connection,
    servers: Iterable[PciServer],
    nodes: Mapping[str, ComputeNode],
    found_services: Mapping[str, ComputeService],
    aliases: Mapping[str, Alias] | None,
) -> tuple[PciServer, ...]:
    placement = services.placement(connection)
    pci_providers = placement.pci_providers()
    left = supply(
        placement.trees_with_room(pci_providers), pci_providers, nodes.values(), found_services
    )
    known = tuple(servers)
    allocations = in_parallel(placement.allocations, [item.server.id for item in known])
    found = []
    for item, allocation in zip(known, allocations, strict=True):
        devices = held_devices(allocation, pci_providers)
        verdict, reason = could_migrate(item.server, item.use, devices, aliases, left)
        found.append(
            dataclasses.replace(item, devices=devices, could_migrate=verdict, reason=reason)
        )
    return tuple(found)


def _provider_at(placement: PlacementClient, host: str, name: str) -> Provider:
    try:
        return placement.find_provider(name=name)
    except NotFoundError:
        raise NotFoundError(
            f"placement knows no provider '{name}'; 'openstack vfio device list --host {host}' "
            f"shows those of the host (a VF is a unit of its PF's provider)"
        ) from None


def _with_units(
    placement: PlacementClient, providers: Mapping[str, Provider], in_tree: str | None
) -> list[Provider]:
    """Return providers with their traits and inventories, whole hosts at once where possible."""
    seen: dict[str, Provider] = {}
    for resource_class in _ROOM:
        if providers.keys() <= seen.keys():
            break
        for tree in placement.trees_with_room(providers, resource_class, in_tree).values():
            seen |= tree.providers
    rest = [provider for uuid, provider in providers.items() if uuid not in seen]
    shown = [seen[uuid] for uuid in providers if uuid in seen]
    return shown + in_parallel(placement.with_details, rest)


def _pci_ports(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return the ports of the whole cloud that nova serves with a PCI device, by server."""
    try:
        network = connection.network
        if network.get_endpoint() is None:
            return {}
        params = [("binding:vnic_type", name) for name in sorted(PCI_VNIC_TYPES)]
        params += [("fields", name) for name in ("id", "device_id", "binding:vnic_type")]
        response = network.get("/ports", params=params, raise_exc=False)
    except ksa_exceptions.EndpointNotFound:
        return {}
    except ksa_exceptions.ClientException as exc:
        raise CloudError(f"neutron cannot be reached: {exc}") from exc
    if not response.ok:
        raise CloudError(f"neutron answers {response.status_code} to GET /ports: {response.reason}")
    found: dict[str, tuple[str, ...]] = {}
    for port in response.json()["ports"]:
        if port["device_id"] and port["binding:vnic_type"] in PCI_VNIC_TYPES:
            found[port["device_id"]] = (*found.get(port["device_id"], ()), port["id"])
    return found
