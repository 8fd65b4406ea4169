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

"""Did a live migration leave everything in order? The rules; nothing is read here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from vfio_lm.cloud.model import Marking, Migration, Provider, Server
from vfio_lm.preflight import Status
from vfio_lm.text import counted

Allocations = Mapping[str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True)
class ArrivalCheck:
    """One thing that must hold after a live migration, and whether it does."""

    id: str
    status: Status
    message: str


@dataclasses.dataclass(frozen=True)
class Holdings:
    """What placement shows after a live migration."""

    destination_root: str | None
    """The UUID of the destination's root provider; None if nova does not show it."""
    allocations: Allocations
    """Of the server: units by resource class, by provider UUID."""
    left_behind: Allocations
    """Of the migration, which holds what the server had at the source until it is over."""
    providers: Mapping[str, Provider]
    """Every provider of the server's allocations, with its traits, by UUID."""


@dataclasses.dataclass(frozen=True)
class Arrival:
    """A server after its live migration."""

    server: Server
    migration: Migration
    requested_host: str | None
    wanted_devices: int
    """How many its flavor asks for by alias."""
    holdings: Holdings | None
    """None where placement did not answer."""
    reason: str = ""
    """Why it did not."""


def verify(arrival: Arrival) -> tuple[ArrivalCheck, ...]:
    """Look at everything that a live migration should have left in order."""
    checks = [_migration(arrival), _server(arrival)]
    if arrival.holdings is None:
        text = f"placement could not be asked: {arrival.reason}"
        return (*checks, _unknown("allocations", text), _unknown("devices", text))
    checks += _allocations(arrival.holdings, arrival.migration)
    checks.append(_devices(arrival.holdings, arrival.wanted_devices))
    return tuple(checks)


def worst(checks: Iterable[ArrivalCheck]) -> Status:
    """Sum up: a failure, else an open question, else good."""
    seen = {each.status for each in checks}
    for status in (Status.FAIL, Status.UNKNOWN):
        if status in seen:
            return status
    return Status.PASS


def _migration(arrival: Arrival) -> ArrivalCheck:
    status = arrival.migration.status
    if arrival.migration.is_completed:
        return _passed("migration", "the record of the migration is completed")
    return _failed("migration", f"the record of the migration is '{status}', not completed")


def _server(arrival: Arrival) -> ArrivalCheck:
    server, migration = arrival.server, arrival.migration
    where = arrival.requested_host or migration.destination
    if server.status not in ("ACTIVE", "PAUSED"):
        return _failed("server", f"the server is {server.status}")
    if server.host != where or server.host == migration.source:
        return _failed("server", f"the server is on {server.host}, not on {where}")
    return _passed("server", f"the server is {server.status} on {server.host}")


def _allocations(holdings: Holdings, migration: Migration) -> Iterator[ArrivalCheck]:
    id_ = "allocations"
    if not holdings.allocations:
        yield _failed(id_, "the server has no allocation in placement")
        return
    if holdings.left_behind:
        yield _failed(
            id_,
            f"the migration {migration.uuid} still holds what the server had on "
            f"{migration.source}; 'openstack resource provider allocation show "
            f"{migration.uuid}' lists it",
        )
        return
    if holdings.destination_root is None:
        yield _unknown(id_, f"nova shows no hypervisor on {migration.destination}")
        return
    roots = {holdings.providers[uuid].root_uuid for uuid in holdings.allocations}
    # A sharing provider, of storage for instance, is a tree of its own without a parent's name.
    elsewhere = sorted(
        provider.name
        for uuid, provider in holdings.providers.items()
        if provider.root_uuid != holdings.destination_root and _is_of_a_host(provider)
    )
    if holdings.destination_root not in roots or elsewhere:
        found = ", ".join(elsewhere) or "none of them there"
        yield _failed(id_, f"allocations elsewhere than on {migration.destination}: {found}")
        return
    yield _passed(id_, f"all allocations are on {migration.destination}")


def _is_of_a_host(provider: Provider) -> bool:
    return not any(trait.startswith("MISC_SHARES_VIA_AGGREGATE") for trait in provider.traits)


def _devices(holdings: Holdings, wanted: int) -> ArrivalCheck:
    id_ = "devices"
    held = [provider for provider in holdings.providers.values() if provider.is_pci]
    units = sum(sum(holdings.allocations[provider.uuid].values()) for provider in held)
    if not units:
        return ArrivalCheck(id_, Status.NOT_APPLICABLE, "placement does not count PCI devices here")
    if units != wanted:
        return _failed(
            id_, f"the server holds {counted(units, 'device')}, its flavor asks for {wanted}"
        )
    names = {mark: [p.name for p in held if p.marking is mark] for mark in Marking}
    if without := names[Marking.NOT_MARKED]:
        return _failed(id_, f"not declared live migratable: {', '.join(sorted(without))}")
    if silent := names[Marking.UNKNOWN]:
        return ArrivalCheck(
            id_,
            Status.NOT_APPLICABLE,
            f"nova before 34.0.0 does not show whether these are declared live migratable: "
            f"{', '.join(sorted(silent))}",
        )
    where = ", ".join(sorted(names[Marking.MARKED]))
    return _passed(id_, f"{counted(units, 'device')} from {where}, live migratable")


def _passed(id_: str, message: str) -> ArrivalCheck:
    return ArrivalCheck(id_, Status.PASS, message)


def _failed(id_: str, message: str) -> ArrivalCheck:
    return ArrivalCheck(id_, Status.FAIL, message)


def _unknown(id_: str, message: str) -> ArrivalCheck:
    return ArrivalCheck(id_, Status.UNKNOWN, message)
