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


"""Answers of services as these write them, to be changed by tests; nothing is asked here."""

from __future__ import annotations

from typing import Any

#: What nova says of something that does not exist; the other services say it in similar words.
GONE = {"itemNotFound": {"code": 404, "message": "It could not be found."}}

SERVER_ID = "54d230f3-d8b5-4d7c-8ad4-43033325152b"
_PROJECT = "6f70656e737461636b20342065766572"
_USER = "fake"
_LINKS = [{"rel": "self", "href": "http://127.0.0.1/compute/v2.1/servers/x"}]


def server(name: str = "a", **changes: Any) -> dict[str, Any]:
    """A server in nova's list, microversion 2.100."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "status": "ACTIVE",
        "tenant_id": _PROJECT,
        "user_id": _USER,
        "metadata": {},
        "hostId": "0123",
        "image": {
            "id": "155d900f-4e14-4e4c-a73d-069cbf4541e6",
            "links": _LINKS,
            "properties": {"hw_disk_bus": "virtio", "min_ram": None},
        },
        "flavor": {
            "original_name": "m1",
            "vcpus": 1,
            "ram": 512,
            "disk": 3,
            "ephemeral": 2,
            "swap": 1500,
            "extra_specs": {"a": "b"},
        },
        "created": "2026-11-24T04:08:05Z",
        "updated": "2026-11-24T04:08:05Z",
        "addresses": {},
        "accessIPv4": "192.0.2.9",
        "accessIPv6": "2001:db8::9",
        "links": _LINKS,
        "config_drive": "",
        "key_name": None,
        "description": None,
        "locked": False,
        "locked_reason": None,
        "tags": ["t"],
        "trusted_image_certificates": None,
        "os-extended-volumes:volumes_attached": [
            {"id": "v1", "delete_on_termination": False},
        ],
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:power_state": 1,
        "OS-EXT-SRV-ATTR:host": "compute1",
        "OS-EXT-SRV-ATTR:hostname": name,
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "OS-SRV-USG:launched_at": None,
        "OS-SRV-USG:terminated_at": None,
        "pinned_availability_zone": None,
        "scheduler_hints": {"group": "g1"},
    } | changes


def flavor(name: str = "m1", **changes: Any) -> dict[str, Any]:
    """A flavor, microversion 2.75 and later."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "vcpus": 1,
        "ram": 512,
        "disk": 3,
        "OS-FLV-EXT-DATA:ephemeral": 2,
        "OS-FLV-DISABLED:disabled": False,
        "swap": 1500,
        "rxtx_factor": 1.0,
        "os-flavor-access:is_public": True,
        "description": None,
        "extra_specs": {"pci_passthrough:alias": "vf:1"},
        "links": _LINKS,
    } | changes


def service(host: str = "compute1", **changes: Any) -> dict[str, Any]:
    """A nova-compute service, microversion 2.69 and later."""
    return {
        "id": "e81d66a4-ddd3-4aba-8a84-171d1cb4d339",
        "binary": "nova-compute",
        "host": host,
        "zone": "nova",
        "status": "enabled",
        "state": "up",
        "forced_down": False,
        "disabled_reason": None,
        "updated_at": "2026-11-24T04:08:05.000000",
    } | changes


def hypervisor(host: str = "compute1", **changes: Any) -> dict[str, Any]:
    """A hypervisor, microversion 2.88 and later."""
    return {
        "id": f"uuid-of-{host}",
        "hypervisor_hostname": host,
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8002002,
        "host_ip": "192.0.2.1",
        "state": "up",
        "status": "enabled",
        "uptime": None,
        "service": {"id": "e81d66a4-ddd3-4aba-8a84-171d1cb4d339", "host": host}
        | {"disabled_reason": None},
        "servers": [{"name": "instance-1", "uuid": SERVER_ID}],
    } | changes


def migration(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A migration in the list of all, microversion 2.80 and later."""
    return {
        "id": number,
        "uuid": f"uuid-of-{number}",
        "instance_uuid": SERVER_ID,
        "migration_type": "live-migration",
        "status": "running",
        "source_compute": "compute1",
        "source_node": "compute1",
        "dest_compute": None,
        "dest_host": None,
        "dest_node": None,
        "old_instance_type_id": 1,
        "new_instance_type_id": 1,
        "created_at": "2026-11-24T04:08:05.212162",
        "updated_at": None,
        "project_id": _PROJECT,
        "user_id": _USER,
    } | changes


def progress(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A migration in progress of one server, microversion 2.80 and later."""
    found = migration(number, updated_at="2026-11-24T04:08:06.000000")
    for name in ("instance_uuid", "migration_type", "old_instance_type_id", "new_instance_type_id"):
        del found[name]
    amounts = {
        f"{kind}_{what}_bytes": None
        for kind in ("memory", "disk")
        for what in ("total", "processed", "remaining")
    }
    return found | {"server_uuid": SERVER_ID} | amounts | changes


def action(**changes: Any) -> dict[str, Any]:
    """An action on a server with its events, microversion 2.84 and later."""
    return {
        "action": "live-migration",
        "instance_uuid": SERVER_ID,
        "request_id": "req-1",
        "user_id": _USER,
        "project_id": _PROJECT,
        "start_time": "2026-11-24T04:08:04.000000",
        "updated_at": None,
        "message": None,
        "events": [event()],
    } | changes


def event(name: str = "compute_pre_live_migration", **changes: Any) -> dict[str, Any]:
    """A step of an action."""
    return {
        "event": name,
        "start_time": "2026-11-24T04:08:05.000000",
        "finish_time": None,
        "result": None,
        "traceback": None,
        "host": "compute1",
        "hostId": "0123",
        "details": None,
    } | changes


def aggregate(name: str = "az1", **changes: Any) -> dict[str, Any]:
    """A host aggregate, microversion 2.41 and later."""
    return {
        "id": 1,
        "uuid": f"uuid-of-{name}",
        "name": name,
        "availability_zone": "zone1",
        "hosts": ["compute1"],
        "metadata": {"availability_zone": "zone1"},
        "created_at": "2026-11-24T04:08:05.000000",
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    } | changes


def server_group(**changes: Any) -> dict[str, Any]:
    """A server group, microversion 2.64 and later."""
    return {
        "id": "g1",
        "name": "apart",
        "policy": "anti-affinity",
        "rules": {"max_server_per_host": 2},
        "members": [SERVER_ID],
        "project_id": _PROJECT,
        "user_id": _USER,
    } | changes


def topology(**changes: Any) -> dict[str, Any]:
    """The NUMA topology of a server, microversion 2.78 and later."""
    node = {
        "vcpu_set": [0, 1],
        "siblings": [],
        "memory_mb": 512,
        "host_node": 1,
        "cpu_pinning": {"0": 4, "1": 5},
    }
    return {"nodes": [node], "pagesize_kb": 2048} | changes


def share(**changes: Any) -> dict[str, Any]:
    """A share of a server, microversion 2.97 and later."""
    return {
        "uuid": "715335c1-7a00-4dfe-82df-9dc2a67bd8bf",
        "share_id": "e8debdc0-447a-4376-a10a-4cd9122d7986",
        "status": "active",
        "tag": "data",
        "export_location": "192.0.2.1:/share",
    } | changes


def provider(name: str = "compute1", **changes: Any) -> dict[str, Any]:
    """A resource provider, microversion 1.14 and later."""
    return {
        "uuid": f"uuid-of-{name}",
        "name": name,
        "generation": 7,
        "root_provider_uuid": f"uuid-of-{name}",
        "parent_provider_uuid": None,
        "links": _LINKS,
    } | changes


def candidates() -> dict[str, Any]:
    """Allocation candidates, microversion 1.34 and later."""
    return {
        "allocation_requests": [
            {
                "allocations": {"uuid-of-compute1": {"resources": {"VCPU": 1}}},
                "mappings": {"": ["uuid-of-compute1"]},
            }
        ],
        "provider_summaries": {
            "uuid-of-compute1": {
                "resources": {"VCPU": {"capacity": 64, "used": 2}},
                "traits": ["OWNER_NOVA"],
                "parent_provider_uuid": None,
                "root_provider_uuid": "uuid-of-compute1",
            }
        },
    }


def inventory(**changes: Any) -> dict[str, Any]:
    """The inventory of one resource class."""
    return {
        "total": 8,
        "reserved": 3,
        "min_unit": 1,
        "max_unit": 8,
        "step_size": 1,
        "allocation_ratio": 1.0,
    } | changes


def port(**changes: Any) -> dict[str, Any]:
    """A port, with the fields that are asked for."""
    return {
        "id": "p1",
        "name": "",
        "network_id": "n1",
        "device_id": SERVER_ID,
        "binding:vnic_type": "direct",
        "binding:profile": {"physical_network": "physnet1", "trusted": "true"},
        "binding:vif_details": {"bound_drivers": {"0": "sriovnicswitch"}},
        "resource_request": {"required": [], "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1}},
    } | changes


def port_with_groups(**changes: Any) -> dict[str, Any]:
    """A port of a neutron with the extension ``port-resource-request-groups``."""
    group = {"id": "g1", "required": ["CUSTOM_A"], "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1}}
    request = {"request_groups": [group], "same_subtree": ["g1"]}
    return port(resource_request=request) | changes


def network_agent(**changes: Any) -> dict[str, Any]:
    """An agent of neutron's, with the fields that are asked for."""
    return {
        "id": "a1",
        "host": "compute1",
        "agent_type": "NIC Switch agent",
        "alive": True,
        "configurations": {
            "device_mappings": {"physnet1": ["ens1f0"]},
            "tunnel_types": ["vxlan"],
            "bridge-mappings": "physnet2:br-ex",
        },
    } | changes


def network(**changes: Any) -> dict[str, Any]:
    """A network, with the fields that are asked for."""
    return {
        "id": "n1",
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
    } | changes


def volume(**changes: Any) -> dict[str, Any]:
    """A volume, as far as it matters."""
    return {
        "id": "v1",
        "attachments": [{"server_id": SERVER_ID, "device": "/dev/vda", "volume_id": "v1"}],
        "volume_image_metadata": {"os_distro": "debian"},
    } | changes


def nova_word(**changes: Any) -> dict[str, Any]:
    """Nova's own word, as nova-api's filter gives it."""
    there = {"host": "compute2", "node": "compute2", "ending": "accepted", "may_be_chosen": True}
    answer = {"servers": [SERVER_ID], "source": "compute1", "ending": "accepted"}
    known = {
        "version": 1,
        "taken_at": "2026-11-24T04:00:00+00:00",
        "nova_version": "34.0.0",
        "answers": [answer | {"destinations": [there]}],
    }
    return known | changes
