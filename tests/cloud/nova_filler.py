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

"""Thousands of hosts and servers in nova that nothing runs behind; by SQL, as copies of real ones.

The hosts are those that :mod:`tests.cloud.filler` added to placement, and what the servers hold is
written there as well. The schemas are those of nova 34 and placement 16.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.cloud.filler import NAME_PREFIX, RESOURCE_CLASS, transaction
from tests.cloud.settings import Settings

Row = dict[str, Any]

_OF_A_SERVER = {
    "nova_cell1": {
        "instances": "uuid",
        "instance_extra": "instance_uuid",
        "instance_info_caches": "instance_uuid",
        "instance_system_metadata": "instance_uuid",
        "block_device_mapping": "instance_uuid",
    },
    "nova_api": {"instance_mappings": "instance_uuid", "request_specs": "instance_uuid"},
}
"""Tables, and the column with the server's ID."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Copy:
    """A server that is made of another one."""

    example: str
    id: str
    name: str
    host: str


def fill(settings: Settings, host: str, examples: Sequence[str], servers: int) -> None:
    """Add the hosts to nova, with servers that are spread evenly over them.

    :param host: a host that the others are made of
    :param examples: IDs of servers on it that the others are made of, each of as many
    :param servers: how many to add
    """
    with transaction(settings, "placement") as database:
        roots = dict(
            database.execute(
                "SELECT name, uuid FROM resource_providers"
                " WHERE name LIKE ? AND parent_provider_id IS NULL ORDER BY name",
                (f"{NAME_PREFIX}%",),
            )
        )
    _add_hosts(settings, host, roots)
    _add_devices(settings, host)
    names = list(roots)
    copies = [
        _Copy(
            # With each round over the hosts the servers move on by one.
            example=examples[(number + number // len(names)) % len(examples)],
            id=str(uuid.uuid4()),
            name=f"{NAME_PREFIX}-server-{number:05}",
            host=names[number % len(names)],
        )
        for number in range(servers)
    ]
    for name, tables in _OF_A_SERVER.items():
        with transaction(settings, name) as database:
            for table, key in tables.items():
                _copy_servers(database, table, key, host, copies)
    with transaction(settings, "placement") as database:
        _allocate(database, copies)


def _add_hosts(settings: Settings, example: str, roots: Mapping[str, str]) -> None:
    with transaction(settings, "nova_cell1") as database:
        (service,) = _rows(database, "services", "binary = 'nova-compute' AND host = ?", example)
        (node,) = _rows(database, "compute_nodes", "host = ?", example)
        (now,) = database.execute("SELECT datetime()").fetchone()
        # Nova would ask a nova-compute that does not tell.
        stats = json.dumps({"uptime": "up"})
        _insert(
            database,
            "services",
            (
                _renamed(service, example, name) | {"uuid": str(uuid.uuid4()), "last_seen_up": now}
                for name in roots
            ),
        )
        _insert(
            database,
            "compute_nodes",
            (
                _renamed(node, example, name) | {"uuid": root, "stats": stats}
                for name, root in roots.items()
            ),
        )
    with transaction(settings, "nova_api") as database:
        (mapping,) = _rows(database, "host_mappings", "host = ?", example)
        _insert(database, "host_mappings", (_renamed(mapping, example, name) for name in roots))


def _add_devices(settings: Settings, example: str) -> None:
    """Give each host the devices that placement has for it, like one VF of the example."""
    with transaction(settings, "placement") as database:
        providers = database.execute(
            "SELECT root.uuid, p.uuid, p.name, i.total FROM resource_providers p"
            " JOIN resource_providers root ON root.id = p.root_provider_id"
            " JOIN inventories i ON i.resource_provider_id = p.id"
            " WHERE p.parent_provider_id IS NOT NULL AND p.name LIKE ? ORDER BY p.name",
            (f"{NAME_PREFIX}%",),
        ).fetchall()
    of_host = collections.defaultdict(list)
    for root, *provider in providers:
        of_host[root].append(provider)
    with transaction(settings, "nova_cell1") as database:
        nodes = dict(database.execute("SELECT uuid, id FROM compute_nodes"))
        (node,) = _rows(database, "compute_nodes", "host = ?", example)
        vf = _rows(
            database, "pci_devices", "dev_type = 'type-VF' AND compute_node_id = ?", node["id"]
        )[-1]
        for root, found in of_host.items():
            database.execute(
                "UPDATE compute_nodes SET pci_stats = ? WHERE uuid = ?",
                (_pools(node["pci_stats"], vf["parent_addr"], found), root),
            )
            _insert(database, "pci_devices", _vfs(vf, nodes[root], found))


def _pools(pci_stats: str, pf: str, providers: Sequence[Sequence[Any]]) -> str:
    """Return what a nova-compute reports: a pool for each provider, like that of a PF."""
    stats = json.loads(pci_stats)
    pools = stats["nova_object.data"]["objects"]
    like = json.dumps(next(p for p in pools if p["nova_object.data"]["tags"]["address"] == pf))
    found = []
    for provider, name, total in providers:
        pool = json.loads(like)
        pool["nova_object.data"]["count"] = total
        tags = pool["nova_object.data"]["tags"]
        tags.update(address=_address(name), rp_uuid=provider)
        found.append(pool)
    stats["nova_object.data"]["objects"] = found
    return json.dumps(stats)


def _vfs(like: Row, node: int, providers: Sequence[Sequence[Any]]) -> Iterator[Row]:
    free = {"compute_node_id": node, "status": "available", "instance_uuid": None}
    numbers = itertools.count()
    for _, name, total in providers:
        for number in itertools.islice(numbers, total):
            own = {
                "uuid": str(uuid.uuid4()),
                # Another bus than that of the PFs, so that no address is one of theirs.
                "address": f"0000:f0:{number // 8:02x}.{number % 8}",
                "parent_addr": _address(name),
                "request_id": None,
            }
            row = like | free | own
            del row["id"]
            yield row


def _address(provider_name: str) -> str:
    return provider_name.rpartition("_")[2].lower()


def _copy_servers(
    database: sqlite3.Connection, table: str, key: str, host: str, copies: Sequence[_Copy]
) -> None:
    examples = {
        example: _rows(database, table, f"{key} = ?", example)
        for example in {copy.example for copy in copies}
    }
    own = {"display_name": "name", "host": "host", "node": "host"} if table == "instances" else {}
    _insert(
        database,
        table,
        (
            _renamed(row, copy.example, copy.id)
            | {column: getattr(copy, field) for column, field in own.items()}
            | ({"uuid": str(uuid.uuid4())} if table == "block_device_mapping" else {})
            for copy in copies
            for row in examples[copy.example]
        ),
    )


def _allocate(database: sqlite3.Connection, copies: Sequence[_Copy]) -> None:
    """Let the servers hold what their examples do, on their own hosts."""
    roots = dict(database.execute("SELECT name, id FROM resource_providers"))
    (pci_class,) = database.execute(
        "SELECT id FROM resource_classes WHERE name = ?", (RESOURCE_CLASS,)
    ).fetchone()
    free: dict[int, list[int]] = {}
    for copy in copies:
        (consumer,) = _rows(database, "consumers", "uuid = ?", copy.example)
        _insert(database, "consumers", [_renamed(consumer, copy.example, copy.id)])
        root = roots[copy.host]
        if root not in free:
            free[root] = _units(database, root, pci_class)
        held: dict[tuple[int, int], int] = {}
        for each in _rows(database, "allocations", "consumer_id = ?", copy.example):
            resource_class = each["resource_class_id"]
            if resource_class != pci_class:
                held[root, resource_class] = each["used"]
                continue
            for _ in range(each["used"]):
                taken = (free[root].pop(0), pci_class)
                held[taken] = held.get(taken, 0) + 1
        _insert(
            database,
            "allocations",
            (
                {
                    "resource_provider_id": provider,
                    "consumer_id": copy.id,
                    "resource_class_id": resource_class,
                    "used": used,
                }
                for (provider, resource_class), used in held.items()
            ),
        )


def _units(database: sqlite3.Connection, root: int, resource_class: int) -> list[int]:
    """Return the PCI providers of a host, each as often as it has devices."""
    found = database.execute(
        "SELECT p.id, i.total FROM resource_providers p JOIN inventories i"
        " ON i.resource_provider_id = p.id AND i.resource_class_id = ?"
        " WHERE p.root_provider_id = ? ORDER BY p.name",
        (resource_class, root),
    )
    return [provider for provider, total in found for _ in range(total)]


def _rows(database: sqlite3.Connection, table: str, where: str, value: object) -> list[Row]:
    cursor = database.execute(f"SELECT * FROM {table} WHERE {where}", (value,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _renamed(row: Row, old: str, new: str) -> Row:
    """Return a row that speaks of something else, and has no number of its own yet."""
    return {
        column: value.replace(old, new) if isinstance(value, str) else value
        for column, value in row.items()
        if column != "id"
    }


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    for row in rows:
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
