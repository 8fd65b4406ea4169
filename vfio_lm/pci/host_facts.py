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

"""What a host's kernel and hypervisor say of its PCI devices, as a file; not how it is found out.

``vfio-lm-host probe`` writes such a file on the host, and the preflight, the agent and the choice
of destination devices read it. A value that is not known is None, and ``unknown`` says why.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import jsonschema

from vfio_lm.errors import VfioLmError
from vfio_lm.iso_time import read_time
from vfio_lm.pci.address import AddressError, PciAddress
from vfio_lm.pci.device import Device, DeviceKind
from vfio_lm.pci.input_file import InputFileError, read_text
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.pci.numa_node import SCHEMA as NUMA_NODES
from vfio_lm.pci.numa_node import NumaNode, numa_nodes

VERSION = 1
"""Of the file's form. A file of another version is refused, never guessed at."""

_LARGEST_FILE_BYTES = 64 * 1024 * 1024
_LONGEST_MESSAGE = 300
_YEARS = range(2000, 3000)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_ID = {"type": "string", "pattern": "^[0-9a-f]{4}$", "maxLength": 4}
_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": ["boolean", "null"]}
_COUNT = {"type": ["integer", "null"], "minimum": 0}
_REASONS = {"type": "object", "additionalProperties": {"type": "string"}}


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    # Unknown properties are let through: a newer minor release may add some.
    return {"type": "object", "properties": dict(properties), "required": list(required)}


#: The JSON schema of a host facts file.
SCHEMA: Mapping[str, Any] = _object(
    {
        "version": {"const": VERSION},
        "host": {"type": "string", "minLength": 1},
        "taken_at": {"type": "string"},
        "kernel": _TEXT,
        "is_iommu_on": _FLAG,
        "libvirt_version": _TEXT,
        "qemu_version": _TEXT,
        "permits_post_copy": _FLAG,
        "downtime_ms": _COUNT,
        "timeout_action": _TEXT,
        "parallel_connections": {"type": ["integer", "null"]},
        "has_guard": _FLAG,
        "has_corrections": _FLAG,
        "numa_nodes": NUMA_NODES,
        "unknown": _REASONS,
        "unreadable": _REASONS,
        "ignored_addresses": {"type": "array", "items": {"type": "string"}},
        "devices": {
            "type": "array",
            "items": _object(
                {
                    "address": {"type": "string"},
                    "vendor_id": _ID,
                    "product_id": _ID,
                    "kind": {"enum": [kind.value for kind in DeviceKind]},
                    "parent_address": _TEXT,
                    "numa_node": _COUNT,
                    "iommu_group": _COUNT,
                    "shares_iommu_group": _FLAG,
                    "interfaces": {"type": "array", "items": {"type": "string"}},
                    "driver": _TEXT,
                    "has_variant_driver": _FLAG,
                    "is_variant_driver_available": _FLAG,
                    "firmware": _TEXT,
                    "vgpu_type": _TEXT,
                    "is_devlink_migratable": _FLAG,
                    "user": {
                        "anyOf": [
                            {"type": "null"},
                            _object({"name": {"type": "string"}, "uuid": _TEXT}, "name"),
                        ]
                    },
                    "migration": {
                        "anyOf": [
                            {"type": "null"},
                            _object(
                                {
                                    "stop_copy": {"type": "boolean"},
                                    "p2p": {"type": "boolean"},
                                    "pre_copy": {"type": "boolean"},
                                },
                                "stop_copy",
                                "p2p",
                                "pre_copy",
                            ),
                        ]
                    },
                    "migration_state": _TEXT,
                    "logs_dma": _FLAG,
                    "state_size_bytes": _COUNT,
                    "unknown": _REASONS,
                },
                "address",
                "vendor_id",
                "product_id",
                "kind",
            ),
        },
    },
    "version",
    "host",
    "taken_at",
    "devices",
)

_VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


class HostFactsError(VfioLmError):
    """A host facts file that cannot be read, or is none.

    :param location: the file
    :param reason: what is wrong with it, and how to mend it
    """

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"{location}: {reason}")
        self.location = location
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class DeviceUser:
    """Who has a device: what runs with it, or a server that is shut off."""

    name: str
    """The libvirt domain, or else the process."""
    uuid: str | None = None
    """Of the domain; for one of nova's, the server's."""


@dataclasses.dataclass(frozen=True)
class DeviceFacts:
    """One PCI function with SR-IOV, or bound to a VFIO driver."""

    address: PciAddress
    vendor_id: str
    """Four hexadecimal digits in lower case."""
    product_id: str
    kind: DeviceKind
    parent_address: PciAddress | None = None
    """The PF of a VF."""
    numa_node: int | None = None
    iommu_group: int | None = None
    shares_iommu_group: bool | None = None
    """Whether the group holds other functions than this one, bridges not counted."""
    interfaces: tuple[str, ...] = ()
    """Names of its network interfaces on the host."""
    driver: str | None = None
    """The kernel driver it is bound to; None without a reason in ``unknown``: to none."""
    has_variant_driver: bool | None = None
    """Whether the driver it is bound to is a VFIO variant driver."""
    is_variant_driver_available: bool | None = None
    """Whether the kernel of the host has a VFIO variant driver for it."""
    firmware: str | None = None
    vgpu_type: str | None = None
    """The type of an NVIDIA vGPU on an SR-IOV VF; "0" where it has none."""
    is_devlink_migratable: bool | None = None
    """The function's ``migratable`` attribute in devlink, where its PF's driver has one."""
    user: DeviceUser | None = None
    """None without a reason in ``unknown``: it is free."""
    migration: MigrationFlags | None = None
    migration_state: str | None = None
    """For a device in use, as the kernel names it: RUNNING, STOP, ERROR and others."""
    logs_dma: bool | None = None
    """Whether the device itself tracks the memory that it writes."""
    state_size_bytes: int | None = None
    """The driver's estimate of the data to be moved while the device stands still."""
    unknown: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """Why a value is None, by the name of the field."""

    @property
    def is_free(self) -> bool | None:
        """Whether the device is free; None where that is not known."""
        if "user" in self.unknown:
            return None
        return self.user is None

    @property
    def lacks_vgpu(self) -> bool:
        """Whether it is a VF for an NVIDIA vGPU without a type."""
        return self.vgpu_type == "0"

    @property
    def device(self) -> Device:
        """The device as nova's configuration sees it."""
        return Device(
            address=self.address,
            vendor_id=self.vendor_id,
            product_id=self.product_id,
            kind=self.kind,
            parent_address=self.parent_address,
            numa_node=self.numa_node,
        )


@dataclasses.dataclass(frozen=True)
class HostFacts:
    """What was found on one host at one time."""

    host: str
    """The name by which nova knows the host: ``[DEFAULT]host`` of its nova.conf."""
    taken_at: datetime.datetime
    """With a time zone."""
    devices: tuple[DeviceFacts, ...] = ()
    kernel: str | None = None
    is_iommu_on: bool | None = None
    libvirt_version: str | None = None
    qemu_version: str | None = None
    permits_post_copy: bool | None = None
    """``[libvirt]live_migration_permit_post_copy``."""
    downtime_ms: int | None = None
    """``[libvirt]live_migration_downtime``."""
    timeout_action: str | None = None
    """``[libvirt]live_migration_timeout_action``; "none" where nova sets no limit."""
    parallel_connections: int | None = None
    """``[libvirt]live_migration_parallel_connections``."""
    has_guard: bool | None = None
    """Whether the guard of ``vfio-lm-host hook`` works in each daemon of libvirt that runs."""
    has_corrections: bool | None = None
    """Whether nova-compute runs as ``vfio-lm-nova-compute``."""
    numa_nodes: tuple[NumaNode, ...] | None = None
    unknown: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Why a value is None, by the name of the field; ``devices``: why not all of them are there."""
    unreadable: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Why a function is not among the devices, by its address."""
    ignored_addresses: tuple[str, ...] = ()
    """Of functions that nova never uses, as their addresses are beyond its limits."""

    @property
    def missing_devices(self) -> str | None:
        """Why the host may have devices that are not among these; None: all are there."""
        if why := self.unknown.get("devices"):
            return why
        return next((f"{each}: {why}" for each, why in self.unreadable.items()), None)

    @property
    def interfaces(self) -> dict[str, PciAddress]:
        """The address of each network interface of the host that is known."""
        return {name: device.address for device in self.devices for name in device.interfaces}

    def find(self, address: PciAddress) -> DeviceFacts | None:
        """Return the device at an address, or None."""
        return next((device for device in self.devices if device.address == address), None)

    def to_json(self) -> str:
        """Return the text of a host facts file; :func:`parse_host_facts` reads it back."""
        return json.dumps({"version": VERSION} | _plain(self), indent=1) + "\n"


def _plain(value: Any) -> Any:
    """Return data as JSON has it; addresses, times and kinds become texts."""
    if isinstance(value, PciAddress):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat(timespec="seconds")
    if isinstance(value, DeviceKind):
        return value.value
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def parse_host_facts(text: str, location: str) -> HostFacts:
    """Read the text of a host facts file.

    :param location: where the text comes from, for the message
    :raises HostFactsError: if the text is no host facts file of this version
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise HostFactsError(location, f"not valid JSON: {exc}") from None
    if _SURROGATE.search(text) and not _is_encodable(fields):
        raise HostFactsError(location, "not valid JSON: half of a surrogate pair")
    if isinstance(fields, dict) and fields.get("version", VERSION) != VERSION:
        raise HostFactsError(
            location,
            f"has version {fields['version']!r}, and this release reads version {VERSION}: run "
            f"vfio-lm-host probe of the same release on the host",
        )
    mistake = jsonschema.exceptions.best_match(_VALIDATOR.iter_errors(fields))
    if mistake is not None:
        # The message repeats the offending value, however long that is.
        said = mistake.message[:_LONGEST_MESSAGE]
        raise HostFactsError(location, f"not a host facts file: {mistake.json_path}: {said}")
    try:
        return _host_facts(fields)
    except (AddressError, ValueError) as exc:
        raise HostFactsError(location, str(exc)) from None


def _is_encodable(value: Any) -> bool:
    """Whether texts can be written, in a terminal for example."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def read_host_facts(path: str | os.PathLike[str]) -> HostFacts:
    """Read a host facts file.

    :raises HostFactsError: if the file cannot be read, or is no host facts file of this version
    """
    location = os.fspath(path)
    try:
        text = read_text(location, _LARGEST_FILE_BYTES)
    except InputFileError as exc:
        raise HostFactsError(location, exc.reason) from None
    return parse_host_facts(text, location)


def _host_facts(fields: Mapping[str, Any]) -> HostFacts:
    taken_at = read_time(fields["taken_at"])
    if taken_at.tzinfo is None:
        raise ValueError(f"taken_at: '{fields['taken_at']}' has no time zone")
    if taken_at.year not in _YEARS:
        raise ValueError(f"taken_at: {fields['taken_at']} cannot be")
    devices = tuple(_device_facts(each) for each in fields["devices"])
    addresses = [device.address for device in devices]
    if len(set(addresses)) != len(addresses):
        twice = next(address for address in addresses if addresses.count(address) > 1)
        raise ValueError(f"devices: {twice} is there more than once")
    known = _known(HostFacts, fields)
    known["numa_nodes"] = numa_nodes(fields.get("numa_nodes"))
    known["ignored_addresses"] = tuple(fields.get("ignored_addresses", ()))
    return HostFacts(**known | {"taken_at": taken_at, "devices": devices})


def _device_facts(fields: Mapping[str, Any]) -> DeviceFacts:
    known = _known(DeviceFacts, fields)
    known["address"] = PciAddress.parse(fields["address"])
    known["kind"] = DeviceKind(fields["kind"])
    known["interfaces"] = tuple(fields.get("interfaces", ()))
    if parent := fields.get("parent_address"):
        known["parent_address"] = PciAddress.parse(parent)
    if user := fields.get("user"):
        known["user"] = DeviceUser(**_known(DeviceUser, user))
    if flags := fields.get("migration"):
        known["migration"] = MigrationFlags(**_known(MigrationFlags, flags))
    return DeviceFacts(**known)


def _known(kind: type, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the fields that a dataclass has."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in fields.items() if name in names}
