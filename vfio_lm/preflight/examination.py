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

"""Asking every check about the facts; the facts are collected and shown elsewhere.

Many servers share destinations. What a check answers about one is kept in the memo of the survey,
for all servers for which it would be the same.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Any

from vfio_lm.preflight.check import Check, Outcome, Scope
from vfio_lm.preflight.contract import FAILURES, ask
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.report import (
    CheckResult,
    DestinationReport,
    DeviceReport,
    NovaSource,
    Report,
    Verdict,
)
from vfio_lm.preflight.rules.free_choice import may_be_chosen, nova_destination
from vfio_lm.preflight.rules.free_devices import devices_on_the_host
from vfio_lm.preflight.rules.nova_decides import with_nova

_BEST_FIRST = (Verdict.READY, Verdict.UNKNOWN, Verdict.BLOCKED)


def examine(facts: Facts, checks: Iterable[Check]) -> Report:
    """Ask all checks (nothing stops at the first failure) and make the report."""
    every = tuple(checks)
    by_destination = [check for check in every if check.scope is Scope.DESTINATION]
    own = [check for check in every if check.scope is not Scope.DESTINATION]
    keys = [(check, _key(check, facts)) for check in by_destination]
    destinations = [_destination(facts, d, keys) for d in facts.destinations]
    return Report(
        server_id=facts.server.id,
        server_name=facts.server.name,
        source_host=facts.server.host,
        requested_host=facts.requested_host,
        nova_microversion=".".join(map(str, facts.nova_microversion)),
        checks=tuple(
            with_nova(facts, _result(check, _host(facts, check), ask(check, facts)))
            for check in own
        ),
        destinations=tuple(sorted(destinations, key=lambda d: _BEST_FIRST.index(d.verdict))),
        files=facts.inputs.files,
        nova_says=_nova_source(facts),
    )


def _nova_source(facts: Facts) -> NovaSource | None:
    given = facts.nova.given
    if given is None:
        return None
    word = given.word
    return NovaSource(given.origin, word.taken_at, word.nova_version, facts.nova.counts)


def _key(check: Check, facts: Facts) -> Hashable:
    """Return what decides about a check's answers; None for the server alone."""
    try:
        key = check.depends_on(facts) if check.depends_on else None
        # It is looked up for each destination, and what it stands for takes long to hash.
        return None if key is None else facts.memo.of(_token, check.ask, key)
    except FAILURES:
        return None


def _token(*_: Hashable) -> object:
    return object()


def _destination(
    facts: Facts, destination: Destination, keys: Iterable[tuple[Check, Hashable]]
) -> DestinationReport:
    """Ask about one destination.

    :param keys: the checks, each with what decides about its answers
    """
    answers = facts.memo.about(destination)
    results = []
    for check, key in keys:
        result: CheckResult | None = answers.get(key)
        if result is None:
            result = _result(check, destination.host, ask(check, facts, destination))
            if key is not None:
                answers[key] = result
        # Nova's word is about this server alone.
        results.append(with_nova(facts, result))
    said = nova_destination(facts, destination.host)
    return DestinationReport(
        host=destination.host,
        checks=tuple(results),
        devices=_devices(facts, destination, answers),
        may_be_chosen=may_be_chosen(facts, destination.host, results),
        weight=said.weight if said is not None else None,
    )


def _devices(
    facts: Facts, destination: Destination, answers: dict[Hashable, Any]
) -> tuple[DeviceReport, ...]:
    if not facts.devices_in_placement:
        return devices_on_the_host(facts, destination)
    needed = frozenset(name for group in facts.query.pci_groups for name in group.resources)
    if needed not in answers:
        answers[needed] = _in_placement(destination, needed)
    devices: tuple[DeviceReport, ...] = answers[needed]
    return devices


def _in_placement(destination: Destination, needed: Collection[str]) -> tuple[DeviceReport, ...]:
    return tuple(
        DeviceReport(
            provider=device.provider.uuid,
            address=device.provider.pci_address,
            resource_class=device.resource_class,
            free=device.free,
            total=device.capacity,
            live_migratable=device.marking,
        )
        for device in destination.devices
        if device.resource_class in needed
    )


def _host(facts: Facts, check: Check) -> str | None:
    return facts.server.host if check.scope is Scope.SOURCE else None


def _result(check: Check, host: str | None, outcome: Outcome) -> CheckResult:
    return CheckResult(
        id=check.id,
        scope=check.scope,
        host=host,
        status=outcome.status,
        message=outcome.message,
        remedy=outcome.remedy,
        evidence=outcome.evidence,
        refused_by=check.refused_by,
        is_decisive=check.is_decisive,
        may_end_in_error=check.may_end_in_error,
    )
