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

"""What ``-f json`` of each command prints, as JSON schemas; a key may be added within a version.

The tests validate what the commands print against these schemas, without any other key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSION = 1
"""Raised when a key of any command is renamed, removed, or changes its type."""

_Schema = Mapping[str, Any]

_TEXT: _Schema = {"type": "string"}
_TEXT_OR_NULL: _Schema = {"type": ["string", "null"]}
_COUNT: _Schema = {"type": "integer", "minimum": 0}
_COUNT_OR_NULL: _Schema = {"type": ["integer", "null"], "minimum": 0}
_FLAG: _Schema = {"type": "boolean"}
_TEXTS: _Schema = {"type": "array", "items": _TEXT}
_COUNTS: _Schema = {"type": "object", "additionalProperties": _COUNT}
_TEXT_BY_NAME: _Schema = {"type": "object", "additionalProperties": _TEXT}
_ANY_OBJECT: _Schema = {"type": "object"}


def _one_of(*values: str | None) -> _Schema:
    return {"enum": list(values)}


def _object(optional: Mapping[str, _Schema] | None = None, **needed: _Schema) -> _Schema:
    """Return the schema of an object.

    :param optional: keys that only an option like --long brings
    """
    return {
        "type": "object",
        "properties": {**needed, **(optional or {})},
        "required": list(needed),
    }


def _rows(needed: Mapping[str, _Schema], optional: Mapping[str, _Schema] | None = None) -> _Schema:
    return {"type": "array", "items": _object(optional, **needed)}


_CONDITION = _one_of("yes", "partly", "no", "unknown", "-")
_VERDICT = _one_of("ready", "blocked", "unknown")
_MARKING = _one_of("yes", "no", "unknown")
_STATUS = _one_of("pass", "fail", "warn", "unknown", "not applicable")

_CHECK = _object(
    id=_TEXT,
    scope=_one_of("server", "source", "destination", "cloud"),
    host=_TEXT_OR_NULL,
    status=_STATUS,
    message=_TEXT,
    remedy=_TEXT_OR_NULL,
    refused_by=_TEXT,
    is_decisive=_FLAG,
    may_end_in_error=_FLAG,
    nova=_one_of("settles", "contradicts", None),
    evidence=_ANY_OBJECT,
)

_DESTINATION = _object(
    host=_TEXT,
    verdict=_VERDICT,
    may_be_chosen=_FLAG,
    devices={
        "type": "array",
        "items": _object(
            provider=_TEXT_OR_NULL,
            address=_TEXT_OR_NULL,
            resource_class=_TEXT,
            free=_COUNT,
            total=_COUNT,
            live_migratable=_MARKING,
        ),
    },
    checks={"type": "array", "items": _CHECK},
)

_REPORT = _object(
    schema_version={"const": 1},
    server=_object(id=_TEXT, name=_TEXT, host=_TEXT),
    requested_host=_TEXT_OR_NULL,
    verdict=_VERDICT,
    host_to_name=_TEXT_OR_NULL,
    may_end_in_error=_FLAG,
    nova_microversion=_TEXT,
    files=_TEXTS,
    nova_says={
        "anyOf": [
            {"type": "null"},
            _object(
                **{"from": _TEXT, "taken_at": _TEXT, "nova_version": _TEXT, "counts": _FLAG},
            ),
        ]
    },
    checks={"type": "array", "items": _CHECK},
    destinations={"type": "array", "items": _DESTINATION},
)

_FLAVOR = {
    "id": _TEXT,
    "name": _TEXT,
    "description": _TEXT_OR_NULL,
    "aliases": _COUNTS,
    "live_migratable": _TEXT_OR_NULL,
    "vcpus": _COUNT,
    "ram": _COUNT,
    "disk": _COUNT,
    "ephemeral": _COUNT,
    "swap": _COUNT,
    "is_public": _FLAG,
    "properties": _TEXT_BY_NAME,
}

_MIGRATION = {
    "server_id": _TEXT,
    "server_name": _TEXT,
    "status": _TEXT,
    "source": _TEXT_OR_NULL,
    "destination": _TEXT_OR_NULL,
}

#: The schema of each command that has the option ``-f json``, by its name.
SCHEMAS: Mapping[str, _Schema] = {
    "alias list": _rows(
        {
            "Name": _TEXT,
            "Device Type": _TEXT_OR_NULL,
            "Resource Class or IDs": _TEXT,
            "Live Migratable": _TEXT,
            "Required Traits": _TEXTS,
            "Host Traits": _ANY_OBJECT,
        },
        {"NUMA Policy": _TEXT, "Defined In": _TEXTS, "Flavors": _TEXTS, "Server Count": _COUNT},
    ),
    "alias show": _object(
        {"flavors": _TEXTS, "servers": _TEXTS},
        name=_TEXT,
        device_type=_TEXT_OR_NULL,
        devices={
            "type": "array",
            "items": _object(
                vendor_id=_TEXT_OR_NULL, product_id=_TEXT_OR_NULL, resource_class=_TEXT
            ),
        },
        live_migratable=_TEXT,
        numa_policy=_TEXT,
        required_traits=_TEXTS,
        host_traits=_ANY_OBJECT,
        defined_in=_TEXTS,
    ),
    "alias validate": _rows(
        {
            "Severity": _one_of("error", "warning", "info"),
            "Source": _TEXT,
            "File": _TEXT_OR_NULL,
            "Line": _COUNT_OR_NULL,
            "Rule": _TEXT,
            "Why": _TEXT,
            "Corrected": _TEXT_OR_NULL,
        },
        {"Option": _TEXT_OR_NULL, "Value": _TEXT_OR_NULL},
    ),
    "device list": _rows(
        {
            "Host": _TEXT,
            "Address": _TEXT_OR_NULL,
            "Resource Class": _TEXT_OR_NULL,
            "Total": _COUNT,
            "Used": _COUNT,
            "Free": _COUNT,
            "Live Migratable": _MARKING,
        },
        {
            "Provider UUID": _TEXT,
            "Traits": _TEXTS,
            "Owner": _one_of("nova", "other"),
            "Host Exists": _FLAG,
        },
    ),
    "device show": _object(
        host=_TEXT,
        address=_TEXT_OR_NULL,
        resource_class=_TEXT_OR_NULL,
        total=_COUNT,
        used=_COUNT,
        free=_COUNT,
        live_migratable=_MARKING,
        provider_uuid=_TEXT,
        traits=_TEXTS,
        owner=_one_of("nova", "other"),
        host_exists=_FLAG,
        servers={
            "type": "array",
            "items": _object(id=_TEXT, name=_TEXT_OR_NULL, units=_COUNT),
        },
    ),
    "doctor": _rows(
        {
            "Host": _TEXT,
            **dict.fromkeys(
                ("Spec", "Trait", "Alias", "Driver", "Guard", "Correction"), _CONDITION
            ),
            "First to Mend": _TEXT_OR_NULL,
            "Remedy": _TEXT_OR_NULL,
        }
    ),
    "flavor create": _object(**_FLAVOR),
    "flavor list": _rows(
        {
            "ID": _TEXT,
            "Name": _TEXT,
            "Aliases": _COUNTS,
            "Live Migratable": _TEXT,
            "Server Count": _COUNT,
        },
        {
            "Outdated Server Count": _COUNT_OR_NULL,
            "VCPUs": _COUNT,
            "RAM": _COUNT,
            "Disk": _COUNT,
            "Is Public": _FLAG,
            "Properties": _TEXT_BY_NAME,
        },
    ),
    "flavor show": _object(**_FLAVOR, server_count=_COUNT, outdated_server_count=_COUNT_OR_NULL),
    "host drain": _rows(
        {
            "Order": _COUNT_OR_NULL,
            "ID": _TEXT,
            "Name": _TEXT,
            "State": _one_of("can leave", "stays", "unknown", "leaving", "left", "failed"),
            "Destination": _TEXT_OR_NULL,
            "Devices": _COUNTS,
            "Reason": _TEXT_OR_NULL,
            "Remedy": _TEXT_OR_NULL,
        }
    ),
    "migration check": {"type": "array", "items": _REPORT},
    "migration explain": _object(
        **_MIGRATION,
        migration_id=_COUNT,
        result=_TEXT,
        failed_events=_TEXTS,
        cause=_TEXT_OR_NULL,
        certainty=_one_of("certain", "likely", "possible", None),
        evidence=_TEXTS,
        check=_TEXT_OR_NULL,
        remedy=_TEXT_OR_NULL,
        other_causes={"type": "array", "items": _ANY_OBJECT},
        next_step=_TEXT_OR_NULL,
        way_back=_TEXT_OR_NULL,
    ),
    "migration list": _rows(
        {
            "ID": _COUNT,
            "UUID": _TEXT,
            "Source Compute": _TEXT,
            "Dest Compute": _TEXT_OR_NULL,
            "Status": _TEXT,
            "Server UUID": _TEXT,
            "Server Name": _TEXT,
            "Aliases": _COUNTS,
            "Created At": _TEXT,
            "Updated At": _TEXT_OR_NULL,
        }
    ),
    "migration show": _object(
        **_MIGRATION,
        id=_COUNT,
        uuid=_TEXT,
        aliases=_COUNTS,
        **dict.fromkeys(
            (
                "memory_total_bytes",
                "memory_processed_bytes",
                "memory_remaining_bytes",
                "disk_total_bytes",
                "disk_processed_bytes",
                "disk_remaining_bytes",
            ),
            _COUNT_OR_NULL,
        ),
        created_at=_TEXT,
        updated_at=_TEXT_OR_NULL,
    ),
    "migration start": _object(
        **_MIGRATION,
        migration_id=_COUNT_OR_NULL,
        request_id=_TEXT,
        verification={
            "anyOf": [
                {"type": "null"},
                {"type": "array", "items": _object(check=_TEXT, status=_STATUS, message=_TEXT)},
            ]
        },
    ),
    "provider audit": _rows(
        {
            "Drift": _TEXT,
            "Subject": _TEXT,
            "Detail": _TEXT,
            "Durable": _TEXT_OR_NULL,
            "Where": _TEXT_OR_NULL,
            "Remedy": _TEXT_OR_NULL,
        }
    ),
    "provider sync": _rows(
        {
            "Host": _TEXT_OR_NULL,
            "Subject": _TEXT,
            "Add": _TEXTS,
            "Remove": _TEXTS,
            "Durable": _TEXT,
            "Why": _TEXT,
        }
    ),
    "report": _object(file=_TEXT, parts=_TEXTS, missing=_TEXTS),
    "server list": _rows(
        {
            "ID": _TEXT,
            "Name": _TEXT,
            "Status": _TEXT,
            "Host": _TEXT_OR_NULL,
            "Flavor": _TEXT,
            "Aliases": _COUNTS,
            "Devices": _COUNTS,
            "Live Migratable": _TEXT_BY_NAME,
        },
        {"Project ID": _TEXT_OR_NULL, "Created At": _TEXT_OR_NULL},
    ),
    "server upgrade-plan": _rows(
        {
            "ID": _TEXT,
            "Name": _TEXT,
            "Host": _TEXT_OR_NULL,
            "Flavor": _TEXT,
            "Action": _TEXT,
            "New Flavor": _TEXT_OR_NULL,
            "Reason": _TEXT_OR_NULL,
            "Commands": _TEXTS,
        }
    ),
}
