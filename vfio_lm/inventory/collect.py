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


"""The inventory of a cloud: what is wanted of a snapshot of it; nothing else is asked.

The number of requests does not depend on how many hosts and providers a cloud has, apart from
nova's pages (1,000 servers, flavors or hypervisors on one by default) and from devices of hosts
that have nothing left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from vfio_lm.cloud.model import ComputeNode, ComputeService, Provider, pci_provider_name
from vfio_lm.cloud.parallel import in_parallel
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.inventory.alias import AliasUsage, alias_usage
from vfio_lm.inventory.device import DeviceFilter, Holder, PciDevice, holders, pci_devices
from vfio_lm.inventory.flavor import PciFlavor, pci_flavors
from vfio_lm.inventory.host import HostInventory, hosts
from vfio_lm.inventory.server import PciServer, held_devices, pci_servers
from vfio_lm.inventory.stray import Stray, strays
from vfio_lm.inventory.upgrade import UpgradeStep, plan
from vfio_lm.text import no_such, no_such_host

if TYPE_CHECKING:
    from vfio_lm.cloud.snapshot import WholeCloud
    from vfio_lm.pci import Alias

#: Is given the error of a service that does not answer, so that the rest can be shown.
OnGap = Callable[[CloudError], None]

_HOST_AND_ADDRESS = re.compile(r"^(.+):([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[0-7])$", re.IGNORECASE)
_UUID = re.compile(r"^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$", re.IGNORECASE)


def collect_devices(cloud: WholeCloud, wanted: DeviceFilter | None = None) -> tuple[PciDevice, ...]:
    """Return the PCI devices that nova counts in placement, by host and address.

    :raises NotFoundError: if neither nova nor a provider knows the host that is asked for, or no
        device is of the resource class
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    wanted = wanted or DeviceFilter()
    nodes = cloud.nodes()
    providers = cloud.pci_providers
    root = None
    if wanted.host is not None:
        host_of = {d.provider.uuid: d.host for d in pci_devices(providers.values(), nodes.values())}
        providers = {u: p for u, p in providers.items() if host_of[u] == wanted.host}
        if not providers and wanted.host not in nodes:
            raise NotFoundError(no_such_host(wanted.host, {*nodes, *host_of.values()}))
        root = next((provider.root_uuid for provider in providers.values()), None)
    devices = pci_devices(cloud.with_units(providers, root), nodes.values())
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


def collect_strays(cloud: WholeCloud, devices: Iterable[PciDevice]) -> tuple[Stray, ...]:
    """Return what holds devices and is neither a server nor a migration that is not over.

    One request is made for each device that is in use, and where there is something to look into,
    one for each such consumer: nova lists no server that may still be restored.

    :param devices: of :func:`collect_devices`; those that a host left behind do not count
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    used = [device.provider for device in devices if device.used and not device.is_left_behind]
    allocations = in_parallel(cloud.placement.holders, [provider.uuid for provider in used])
    held = [(provider.name, each) for provider, each in zip(used, allocations)]
    known = {server.id for server in cloud.servers}
    if not strays(held, known):
        return ()
    known |= cloud.nova.claims()
    return tuple(stray for stray in strays(held, known) if not _is_there(cloud, stray.id))


def _is_there(cloud: WholeCloud, server_id: str) -> bool:
    """Whether a server that nova does not list is there: made just now, or to be restored."""
    try:
        cloud.nova.server(server_id)
    except NotFoundError:
        return False
    return True


def collect_hosts(cloud: WholeCloud, on_gap: OnGap | None = None) -> tuple[HostInventory, ...]:
    """Return every host that has a nova-compute or PCI devices, by name.

    :param on_gap: is given the error of a service that does not answer, and what the other one
        answers is returned; without it that is raised
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    services: Mapping[str, ComputeService] = {}
    nodes: Mapping[str, ComputeNode] = {}
    providers = None
    with _gap(on_gap):
        services, nodes = cloud.services, cloud.nodes()
    with _gap(on_gap):
        providers = cloud.with_units(cloud.pci_providers)
    return hosts(services, nodes, providers)


def find_device(cloud: WholeCloud, name: str) -> tuple[PciDevice, tuple[Holder, ...]]:
    """Return a PCI device, and who holds units of it.

    :param name: the UUID of its provider, or HOST:ADDRESS
    :raises NotFoundError: if there is no such device
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    nodes = cloud.nodes()
    if _UUID.match(name):
        provider = cloud.placement.find_provider(uuid=name)
    elif match := _HOST_AND_ADDRESS.match(name):
        host, address = match.groups()
        root = nodes[host].hypervisor_hostname if host in nodes else host
        provider = _provider_at(cloud, host, pci_provider_name(root, address))
    else:
        raise NotFoundError(
            f"'{name}' is neither the UUID of a provider nor of the form HOST:ADDRESS, for "
            f"example compute1:0000:81:00.0"
        )
    provider = cloud.placement.with_details(provider)
    if not provider.is_pci:
        raise NotFoundError(
            f"provider {provider.uuid} ({provider.name}) is no PCI device of nova's"
        )
    (device,) = pci_devices([provider], nodes.values())
    host = device.host
    allocations = cloud.placement.holders(provider.uuid)
    names = (
        {server.id: server.name for server in cloud.nova.servers(host)}
        if allocations and host in nodes
        else {}
    )
    return device, holders(allocations, names)


def list_servers(
    cloud: WholeCloud,
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
    found = cloud.servers if host is None else cloud.nova.servers(host)
    return pci_servers(found, aliases)


def look_at_servers(
    cloud: WholeCloud, servers: Iterable[PciServer], on_gap: OnGap | None = None
) -> tuple[PciServer, ...]:
    """Return servers with the devices that they hold.

    One request is made for each, or for each provider of its host, whichever are fewer.

    :param servers: of :func:`list_servers`
    :param on_gap: is given the error of a service that does not answer, and the servers are
        returned as they are; without it that is raised
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    known = tuple(servers)
    with _gap(on_gap):
        held = cloud.allocations([item.server for item in known])
        return tuple(
            dataclasses.replace(
                item, devices=held_devices(held[item.server.id], cloud.pci_providers)
            )
            for item in known
        )
    return known


def collect_servers(
    cloud: WholeCloud,
    *,
    host: str | None = None,
    aliases: Mapping[str, Alias] | None = None,
) -> tuple[PciServer, ...]:
    """Return the servers that ask for devices by alias, with the devices that they hold.

    :param host: only those on this host
    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises NotFoundError: if no nova-compute has the host that is asked for
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    if host is not None:
        cloud.service(host)
    return look_at_servers(cloud, list_servers(cloud, host=host, aliases=aliases))


def collect_flavors(
    cloud: WholeCloud, aliases: Mapping[str, Alias] | None = None
) -> tuple[PciFlavor, ...]:
    """Return the flavors that ask for devices by alias, by name.

    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    return pci_flavors(cloud.flavors, cloud.servers, aliases)


def collect_alias_usage(cloud: WholeCloud) -> Mapping[str, AliasUsage]:
    """Return which flavors and servers use each alias that is used at all.

    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    return alias_usage(cloud.flavors, cloud.servers)


def find_flavor(
    cloud: WholeCloud, name_or_id: str, aliases: Mapping[str, Alias] | None = None
) -> PciFlavor:
    """Return one flavor that asks for devices by alias.

    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises NotFoundError: if there is none of that name or ID, or it asks for no device
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    flavor = cloud.nova.flavor(name_or_id)
    found = pci_flavors([flavor], cloud.servers, aliases)
    if not found:
        raise NotFoundError(f"flavor '{flavor.name}' asks for no PCI device by alias")
    return found[0]


def plan_upgrade(
    cloud: WholeCloud, aliases: Mapping[str, Alias], flavor_map: Mapping[str, str]
) -> tuple[UpgradeStep, ...]:
    """Return what has to be done until nova live migrates every server.

    Parameters and order are those of :func:`vfio_lm.inventory.upgrade.plan`.

    :raises FlavorError: if the map names a flavor that does not exist or is no way out
    :raises CloudError: if nova or neutron does not answer, or the user's roles do not suffice
    """
    ports = {
        server_id: tuple(port.id for port in found) for server_id, found in cloud.pci_ports.items()
    }
    return plan(cloud.servers, cloud.flavors, ports, aliases, flavor_map)


def _provider_at(cloud: WholeCloud, host: str, name: str) -> Provider:
    try:
        return cloud.placement.find_provider(name=name)
    except NotFoundError:
        raise NotFoundError(
            f"placement knows no provider '{name}'; 'openstack vfio device list --host {host}' "
            f"shows those of the host (a VF is a unit of its PF's provider)"
        ) from None


@contextlib.contextmanager
def _gap(on_gap: OnGap | None) -> Iterator[None]:
    """Hand over the error of a service in the block, and leave the block; raise it without."""
    try:
        yield
    except CloudError as exc:
        if on_gap is None:
            raise
        on_gap(exc)
