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

"""Which servers ask nova for the same, so that nova's code has to run only once for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vfio_lm.inside_nova.stored_servers import AskedServer

#: What differs between servers, and decides nothing; nova 34.0.0's names.
_OWN = frozenset(
    {
        "cpu_pinning_raw",
        "created_at",
        "deleted_at",
        "id",
        "instance_uuid",
        "nova_object.changes",
        "request_id",
        "requester_id",
        "updated_at",
    }
)


def request_key(subject: AskedServer) -> str:
    """Return the same text for servers that nova's code answers the same about.

    A server in a group, or with ports of its own in the request, is like no other one.
    """
    instance, spec = subject.instance, subject.spec
    if spec is None or spec.instance_group is not None or _has_ports(instance):
        return str(instance.uuid)
    parts = {
        "cell": subject.cell.uuid,
        "source": [instance.host, instance.node],
        "states": [instance.vm_state, instance.task_state, instance.power_state],
        "has_launched": instance.launched_at is not None,
        "locked": instance.locked,
        "flavor": _common(instance.flavor),
        "image": _common(instance.image_meta),
        "requests": _common(instance.pci_requests),
        "topology": _common(instance.numa_topology),
        "resources": _common(instance.resources),
        "devices": _devices(instance),
        "spec": _common(spec),
    }
    return json.dumps(parts, sort_keys=True, default=str)


def _devices(instance: Any) -> list[tuple[str, bool]]:
    """Return of each device whether it is one of the stored requests'."""
    requests = instance.pci_requests.requests if instance.pci_requests else []
    ids = {each.request_id for each in requests}
    return sorted((each.status, each.request_id in ids) for each in instance.pci_devices)


def _has_ports(instance: Any) -> bool:
    requests = instance.pci_requests.requests if instance.pci_requests else []
    return bool(instance.get_network_info()) or any(
        each.source == each.NEUTRON_PORT for each in requests
    )


def _common(value: Any) -> Any:
    return None if value is None else _without_own(value.obj_to_primitive())


def _without_own(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _without_own(each) for name, each in value.items() if name not in _OWN}
    if isinstance(value, (list, tuple)):
        return [_without_own(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return value
