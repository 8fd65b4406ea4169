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

"""Thousands of providers in placement without a nova-compute behind them; by SQL.

Not what nova reports for the hosts of the cloud. The schema is that of placement 16.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import uuid
from collections.abc import Iterator, Sequence

from tests.cloud.rest import Rest
from tests.cloud.settings import Settings

NAME_PREFIX = "filler"
RESOURCE_CLASS = "CUSTOM_PCI_8086_1515"

ROOT_INVENTORY = (("VCPU", 64), ("MEMORY_MB", 262144), ("DISK_GB", 2048))

#: what nova 34 puts on the provider of a device that can live migrate
PCI_TRAITS = ("OWNER_NOVA", "COMPUTE_MANAGED_PCI_DEVICE", "HW_PCI_LIVE_MIGRATABLE")

#: of any host of nova's that is not disabled
ROOT_TRAITS_QUERY = """
    SELECT trait_id FROM resource_provider_traits WHERE resource_provider_id = (
        SELECT min(id) FROM resource_providers WHERE parent_provider_id IS NULL
    ) AND trait_id NOT IN (SELECT id FROM traits WHERE name = 'COMPUTE_STATUS_DISABLED')
"""


def fill(
    settings: Settings, rest: Rest, *, hosts: int, pfs: int, vfs: int, pci_traits: Sequence[str]
) -> None:
    """Add root providers, each with PCI providers below it."""
    # placement keeps resource classes and traits in memory, so it has to make the class
    rest.call("PUT", "placement", f"/resource_classes/{RESOURCE_CLASS}")
    with transaction(settings, "placement") as database:
        classes = dict(database.execute("SELECT name, id FROM resource_classes"))
        traits = dict(database.execute("SELECT name, id FROM traits"))
        (last,) = database.execute("SELECT coalesce(max(id), 0) FROM resource_providers").fetchone()
        (made,) = database.execute(
            "SELECT count(*) FROM resource_providers"
            " WHERE name LIKE ? AND parent_provider_id IS NULL",
            (f"{NAME_PREFIX}%",),
        ).fetchone()
        root_traits = [trait for (trait,) in database.execute(ROOT_TRAITS_QUERY)]
        ids = itertools.count(last + 1)
        for number in range(made, made + hosts):
            root = next(ids)
            name = f"{NAME_PREFIX}{number:05}"
            _add_provider(database, root, name, root, None)
            _add_inventory(
                database, root, [(classes[each], total) for each, total in ROOT_INVENTORY]
            )
            _add_traits(database, root, root_traits)
            for slot in range(pfs):
                child = next(ids)
                _add_provider(database, child, f"{name}_0000:81:{slot:02X}.0", root, root)
                _add_inventory(database, child, [(classes[RESOURCE_CLASS], vfs)])
                _add_traits(database, child, [traits[each] for each in pci_traits])


def empty(settings: Settings) -> None:
    """Remove all that was added, with what was allocated of it."""
    chosen = "(SELECT id FROM resource_providers WHERE name LIKE ?)"
    pattern = (f"{NAME_PREFIX}%",)
    with transaction(settings, "placement") as database:
        for table in ("allocations", "inventories", "resource_provider_traits"):
            database.execute(
                f"DELETE FROM {table} WHERE resource_provider_id IN {chosen}",
                pattern,
            )
        database.execute(
            "DELETE FROM resource_providers WHERE name LIKE ? AND parent_provider_id IS NOT NULL",
            pattern,
        )
        database.execute("DELETE FROM resource_providers WHERE name LIKE ?", pattern)


@contextlib.contextmanager
def transaction(settings: Settings, name: str) -> Iterator[sqlite3.Connection]:
    """Write to a database of a service that runs."""
    with contextlib.closing(
        sqlite3.connect(settings.database(name), timeout=60, isolation_level=None)
    ) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.execute("COMMIT")
        database.execute("ANALYZE")


def _add_provider(
    database: sqlite3.Connection, number: int, name: str, root: int, parent: int | None
) -> None:
    # placement's Last-Modified headers cannot do without the times
    database.execute(
        "INSERT INTO resource_providers"
        " (id, uuid, name, generation, root_provider_id, parent_provider_id,"
        " created_at, updated_at)"
        " VALUES (?, ?, ?, 0, ?, ?, datetime(), datetime())",
        (number, str(uuid.uuid4()), name, root, parent),
    )


def _add_inventory(
    database: sqlite3.Connection, provider: int, totals: list[tuple[int, int]]
) -> None:
    database.executemany(
        "INSERT INTO inventories (resource_provider_id, resource_class_id, total, reserved,"
        " min_unit, max_unit, step_size, allocation_ratio) VALUES (?, ?, ?, 0, 1, ?, 1, 1.0)",
        [(provider, resource_class, total, total) for resource_class, total in totals],
    )


def _add_traits(database: sqlite3.Connection, provider: int, traits: list[int]) -> None:
    database.executemany(
        "INSERT INTO resource_provider_traits (resource_provider_id, trait_id) VALUES (?, ?)",
        [(provider, trait) for trait in traits],
    )
