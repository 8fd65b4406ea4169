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

"""The JSON schema of nova's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.nova_word.model import Decider, Ending
from vfio_lm.pci.nova_word.writing import VERSION

_STRING = {"type": "string"}
_STRING_OR_NULL = {"type": ["string", "null"]}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_COUNT_OR_NULL = {"type": ["integer", "null"], "minimum": 0}
_STRINGS = {"type": "array", "items": _STRING}
_COUNTS = {"type": "array", "items": _COUNT}
_TAGS = {"type": "object", "additionalProperties": _STRING}
_ENDING = {"enum": [each.value for each in Ending]}


def _object(required: Mapping[str, Any], optional: Mapping[str, Any]) -> dict[str, Any]:
    # Unknown properties are let through: a newer minor release may add some.
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


_OBJECTION = _object(
    {"decider": {"enum": [each.value for each in Decider]}, "reason": _STRING},
    {"name": _STRING_OR_NULL, "log": _STRINGS},
)

_DESTINATION = _object(
    {"host": _STRING, "node": _STRING, "ending": _ENDING},
    {
        "may_be_chosen": _FLAG,
        "objections": _list(_OBJECTION),
        "weight": {"type": ["number", "null"]},
        "candidates": _COUNT,
        "cells": _COUNTS,
        "notes": _STRINGS,
    },
)

_ANSWER = _object(
    {"servers": {**_STRINGS, "minItems": 1}, "source": _STRING_OR_NULL, "ending": _ENDING},
    {
        "objections": _list(_OBJECTION),
        "destinations": _list(_DESTINATION),
        "is_about_one_host": _FLAG,
        "seconds": {"type": "number", "minimum": 0},
    },
)

_REQUEST = _object(
    {"request_id": _STRING_OR_NULL, "count": _COUNT, "is_port": _FLAG},
    {
        "alias": _STRING_OR_NULL,
        "live_migratable": {"enum": [each.value for each in LiveMigratable]},
        "numa_policy": _STRING_OR_NULL,
        "specs": _list(_TAGS),
        "providers": _STRINGS,
    },
)

_DEVICE = _object(
    {
        "address": _STRING,
        "vendor_id": _STRING,
        "product_id": _STRING,
        "kind": _STRING,
        "status": _STRING,
    },
    {
        "parent_address": _STRING_OR_NULL,
        "numa_node": _COUNT_OR_NULL,
        "request_id": _STRING_OR_NULL,
        "host": _STRING_OR_NULL,
    },
)

_SERVER_CELL = _object(
    {"host_cell": {"type": "integer"}, "cpus": _COUNTS, "memory_mb": _COUNT},
    {
        "page_size_kb": {"type": ["integer", "null"]},
        "cpu_policy": _STRING_OR_NULL,
        "pinning": {"type": "object", "additionalProperties": _COUNT},
    },
)

_SERVER = _object(
    {
        "id": _STRING,
        "name": _STRING,
        "project_id": _STRING,
        "host": _STRING_OR_NULL,
        "node": _STRING_OR_NULL,
        "cell": _STRING,
        "vm_state": _STRING,
    },
    {
        "task_state": _STRING_OR_NULL,
        "power_state": _STRING_OR_NULL,
        "requests": _list(_REQUEST),
        "scheduled_requests": _list(_REQUEST),
        "devices": _list(_DEVICE),
        "cells": _list(_SERVER_CELL),
    },
)

_HOST_CELL = _object(
    {
        "id": _COUNT,
        "shared_cpus": _COUNTS,
        "dedicated_cpus": _COUNTS,
        "free_dedicated_cpus": _COUNTS,
        "memory_mb": _COUNT,
        "free_memory_mb": {"type": "integer"},
    },
    {
        "pages": _list(
            _object({"size_kb": _COUNT, "total": _COUNT, "used": _COUNT}, {"reserved": _COUNT})
        )
    },
)

_POOL = _object(
    {
        "address": _STRING,
        "vendor_id": _STRING,
        "product_id": _STRING,
        "kind": _STRING,
        "total": _COUNT,
        "free": _COUNT,
    },
    {"numa_node": _COUNT_OR_NULL, "tags": _TAGS, "provider": _STRING_OR_NULL},
)

_HOST = _object(
    {
        "host": _STRING,
        "node": _STRING,
        "id": _STRING,
        "cell": _STRING,
        "is_up": _FLAG,
        "is_disabled": _FLAG,
        "is_forced_down": _FLAG,
        "service_version": _COUNT,
        "hypervisor_type": _STRING,
        "hypervisor_version": _COUNT,
    },
    {"cells": _list(_HOST_CELL), "pools": _list(_POOL)},
)

#: The whole document.
SCHEMA: Mapping[str, Any] = _object(
    {"version": {"const": VERSION}, "taken_at": _STRING, "nova_version": _STRING},
    {
        "answers": _list(_ANSWER),
        "servers": _list(_SERVER),
        "hosts": _list(_HOST),
        "filters": _STRINGS,
        "options": _TAGS,
        "corrections": _STRINGS,
        "not_covered": _STRINGS,
        "omissions": _list(_object({"subject": _STRING, "reason": _STRING}, {})),
    },
)
