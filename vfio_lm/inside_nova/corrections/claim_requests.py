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

"""Lets the claim of a live migration go by the PCI requests that are stored with the server.

For a server with a NUMA topology the destination's nova-compute makes the PCI requests again,
from the flavor and the aliases of its own nova.conf. That is wrong in three ways:

* the new requests do not know which providers placement chose, so that the claim may choose a
  NUMA node without them; the claim of the devices themselves, which goes by the stored requests,
  then fails with PciDeviceRequestFailed, and the server is in ERROR;
* the new requests have new IDs, and are stored with the server when it has moved. Its devices
  have the old IDs: the next live migration finds no device for any request, replaces no address
  in the guest's definition, and the guest fails to start, or gets devices that are not its own;
* conductor, too, finds the providers that placement chose by these IDs.

Here the stored requests are taken, and get the IDs of the devices back that the server has.
Where these cannot be distinguished the claim is refused, and conductor asks the next host.

Nova 31.0.0 to 34.0.0; 31.0.0 refuses such servers.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

from vfio_lm.inside_nova.corrections.correction import Correction
from vfio_lm.inside_nova.corrections.source import apart, with_lines_replaced

_OLD = """\
    new_pci_requests = pci_request.get_pci_requests_from_flavor(
        new_flavor)
    new_pci_requests.instance_uuid = instance.uuid
    # On resize merge the SR-IOV ports pci_requests
    # with the new instance flavor pci_requests.
    if instance.pci_requests:
"""
_NEW = """\
    if migration.is_live_migration and instance.pci_requests:
        from vfio_lm.inside_nova.corrections import claim_requests
        new_pci_requests = claim_requests.stored_requests(objects, context, instance)
    else:
        new_pci_requests = pci_request.get_pci_requests_from_flavor(
            new_flavor)
    new_pci_requests.instance_uuid = instance.uuid
    # On resize merge the SR-IOV ports pci_requests
    # with the new instance flavor pci_requests.
    if instance.pci_requests and not migration.is_live_migration:
"""


def stored_requests(objects: Any, context: Any, instance: Any) -> Any:
    """Return the PCI requests of a server, with the IDs of the devices that it has.

    :param objects: nova's module of that name
    :raises nova.exception.ComputeResourcesUnavailable: if it is unknown which device was taken
        for which request
    """
    requests = instance.pci_requests
    devices = [
        each
        for each in objects.PciDeviceList.get_by_instance_uuid(context, instance.uuid)
        if each.status == "allocated"
    ]
    orphans = adopted(requests.requests, devices)
    if orphans is None:
        from nova import exception

        raise exception.ComputeResourcesUnavailable(
            reason="it is unknown which of the server's PCI devices was taken for which of its "
            "PCI requests"
        )
    for request, request_id in orphans:
        request.request_id = request_id
    return requests


def adopted(requests: Sequence[Any], devices: Sequence[Any]) -> list[tuple[Any, str]] | None:
    """Return the requests that have another ID than their devices, with the ID they should have.

    :returns: None if there are devices that fit no request, or requests that no devices fit
    """
    ids = {each.request_id for each in requests}
    groups: dict[str, list[Any]] = {}
    for device in devices:
        if device.request_id not in ids:
            groups.setdefault(device.request_id, []).append(device)
    if not groups:
        return []
    taken = {each.request_id for each in devices}
    orphans = [
        each
        for each in requests
        if each.source == each.FLAVOR_ALIAS and each.request_id not in taken
    ]
    return _paired(orphans, groups)


def _paired(
    requests: Sequence[Any], groups: Mapping[str, Sequence[Any]]
) -> list[tuple[Any, str]] | None:
    """Give each request one of the groups that fit it; each group has to have a request."""
    if not groups:
        return []
    if not requests:
        return None
    first, rest = requests[0], requests[1:]
    for request_id, devices in groups.items():
        if not _fits(first, devices):
            continue
        others = {name: each for name, each in groups.items() if name != request_id}
        more = _paired(rest, others)
        if more is not None:
            return [(first, request_id), *more]
    return None


def _fits(request: Any, devices: Sequence[Any]) -> bool:
    return request.count == len(devices) and all(
        any(_matches(device, spec) for spec in request.spec) for device in devices
    )


def _matches(device: Any, spec: Mapping[str, Any]) -> bool:
    names = ("vendor_id", "product_id", "dev_type")
    return all(
        spec.get(name) is None or str(spec[name]).lower() == str(getattr(device, name)).lower()
        for name in names
    )


class _ClaimMadeError(Exception):
    """The trial has come to the claim."""


def _is_right(function: Any) -> bool:
    """Let a server with a request be claimed for, and see by which request it is done."""
    stored = types.SimpleNamespace(requests=[], instance_uuid=None, made_by="stored")
    made = types.SimpleNamespace(requests=[], instance_uuid=None, made_by="flavor")
    seen: list[str] = []

    def claim(*args: Any, **kwargs: Any) -> None:
        seen.append(args[7].made_by)
        raise _ClaimMadeError

    tracker = types.SimpleNamespace(
        disabled=lambda nodename: False,
        compute_nodes={"node": None},
        _claim_existing_migration=lambda migration, node: None,
    )
    stand_ins = {
        "pci_request": types.SimpleNamespace(get_pci_requests_from_flavor=lambda flavor: made),
        "claims": types.SimpleNamespace(MoveClaim=claim),
        "objects": types.SimpleNamespace(
            InstancePCIRequest=types.SimpleNamespace(NEUTRON_PORT=1),
            PciDeviceList=types.SimpleNamespace(get_by_instance_uuid=lambda context, uuid: []),
        ),
    }
    instance = types.SimpleNamespace(uuid="server", pci_requests=stored)
    migration = types.SimpleNamespace(is_live_migration=True)
    try:
        apart(function, stand_ins)(tracker, None, instance, None, "node", migration, None)
    except _ClaimMadeError:
        return seen == ["stored"]
    raise TypeError(f"{function} makes no claim")


CORRECTION = Correction(
    name="claim-requests",
    fault="the claim for a live migration of a server with a NUMA topology makes PCI requests of "
    "its own: it fails, and the server is in ERROR, or the next live migration gives the guest "
    "devices that are not its own",
    module="nova.compute.resource_tracker",
    function="ResourceTracker._move_claim",
    # 31.0.0 to 31.3.1; 32.0.0 to 34.0.0
    faulty=frozenset({"25dff6f82208", "8bad1a1195da"}),
    is_right=_is_right,
    corrected=lambda function: with_lines_replaced(function, _OLD, _NEW),
)
