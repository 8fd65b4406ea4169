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

"""Checks of the cloud as a whole."""

from __future__ import annotations

from vfio_lm.cloud.model import Marking
from vfio_lm.pci.rewrite import alias_with_trait
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    not_applicable,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules.tree_capacity import best_marking
from vfio_lm.preflight.wording.remedy import check_again, paste, resize, steps, tell_of_hosts
from vfio_lm.preflight.wording.shared_answers import no_alias_devices, no_devices
from vfio_lm.text import counted, listed

_MOST_NAMES = 10
"""Of hosts, in one sentence."""

_SLOW_SECONDS = 10.0
"""Nova gives up after [placement]timeout or the scheduler's RPC timeout, 60 s each by default."""


@check(
    "pci-in-placement",
    Scope.CLOUD,
    "Can placement, or the facts of the hosts, be asked for free devices?",
    refused_by=Refuser.NOWHERE,
    is_decisive=False,
)
def pci_in_placement(facts: Facts) -> Outcome:
    """See where the answer about free devices comes from; each destination gives its own.

    Source: ``[pci]report_in_placement`` (``nova/conf/pci.py``) and
    ``[filter_scheduler]pci_in_placement`` (``nova/conf/scheduler.py``, nova 34.0.0).
    """
    if (answer := no_devices(facts)) is not None:
        return answer
    names = [destination.host for destination in facts.destinations]
    without_facts = [name for name in names if facts.inputs.facts_of(name) is None]
    without_conf = [name for name in names if facts.inputs.of_host(name).conf is None]
    evidence = {
        "devices_held_in_placement": len(facts.source.devices),
        "filter_scheduler.pci_in_placement": facts.pci_in_placement,
        "hosts_without_facts": without_facts,
        "hosts_without_nova_conf": without_conf,
    }
    if facts.devices_in_placement and not facts.ports:
        return passed("the server's devices are in placement", **evidence)
    what = "devices of ports" if facts.devices_in_placement else "the server's devices"
    if without_facts or without_conf:
        return unknown(
            f"{what} are not in placement, and of {_named(without_facts, without_conf)}",
            settled_by=tell_of_hosts(without_facts, without_conf),
            **evidence,
        )
    return passed(f"{what} are not in placement, but the facts of every host are known", **evidence)


def _named(without_facts: list[str], without_conf: list[str]) -> str:
    parts = []
    if without_facts:
        parts.append(f"{listed(without_facts, _MOST_NAMES)} the facts are missing")
    if without_conf:
        parts.append(f"{listed(without_conf, _MOST_NAMES)} the nova.conf")
    return ", of ".join(parts)


@check(
    "candidate-cost",
    Scope.CLOUD,
    "Does placement answer the scheduler's question completely, and soon?",
    refused_by=Refuser.SCHEDULER,
    is_decisive=False,
)
def candidate_cost(facts: Facts) -> Outcome:
    """Look at how much the one query cost (placement bug 2070257)."""
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    found = facts.candidates
    seconds = round(facts.candidates_seconds, 3)
    evidence = {
        "candidates": len(found.candidates),
        "limit": found.limit,
        "device_groups": len(facts.query.pci_groups),
        "pci_providers": facts.pci_provider_count,
    }
    remedy = steps(
        paste(
            "in [placement] of placement.conf",
            "allocation_candidates_generation_strategy = breadth-first",
            "max_allocation_candidates = 1000",
        ),
        paste("in [workarounds] of placement.conf", "optimize_for_wide_provider_trees = true"),
        _ask_for_trait(facts),
    )
    if found.is_cut_off:
        return warned(
            f"placement returns no more than {found.limit} candidates: nova does not see all hosts",
            remedy=remedy,
            seconds=seconds,
            **evidence,
        )
    if facts.candidates_seconds > _SLOW_SECONDS:
        return warned(
            f"placement takes {seconds} s to answer", remedy=remedy, seconds=seconds, **evidence
        )
    # Without the seconds, which are never the same: a pass should look the same each time.
    return passed(f"{len(found.candidates)} candidates, soon enough", **evidence)


@check(
    "candidate-precision",
    Scope.CLOUD,
    "Does the scheduler consider only hosts that can take the server?",
    refused_by=Refuser.CONDUCTOR,
)
def candidate_precision(facts: Facts) -> Outcome:
    """Count hosts that placement offers although no device there is declared live migratable.

    The scheduler drops them one by one, after placement has spent its limit of candidates on them.
    The conductor gives up after ``[DEFAULT]migrate_max_retries`` more hosts
    (``_check_not_over_max_retries`` in ``nova/conductor/tasks/live_migrate.py``, nova 34.0.0).
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    if not facts.devices_in_placement:
        return not_applicable("the devices are not in placement")
    groups = facts.query.pci_groups
    wasted = [
        destination.host
        for destination in facts.destinations
        if best_marking(destination.candidates, groups, destination.devices) is Marking.NOT_MARKED
    ]
    if not wasted:
        return passed("placement offers no host in vain", hosts=[])
    retries = facts.inputs.scheduler.migrate_max_retries
    if facts.requested_host is None and retries is not None and 0 <= retries < len(wasted):
        return unknown(
            f"placement offers {counted(len(wasted), 'host')} whose devices are not declared live "
            f"migratable, and nova may try those first: it gives up after {retries} more "
            "([DEFAULT]migrate_max_retries)",
            settled_by=check_again("--host HOST", why="with a host that can take it as HOST, "),
            hosts=wasted,
        )
    return warned(
        f"placement offers {counted(len(wasted), 'host')} whose devices are not declared live "
        f"migratable: {listed(wasted, _MOST_NAMES)}",
        remedy=_ask_for_trait(facts),
        hosts=wasted,
    )


def _ask_for_trait(facts: Facts) -> str:
    """Say how to let placement offer fitting devices alone; the server itself has to ask so."""
    aliases = facts.aliases or {}
    lines = [
        setting.text
        for name in dict.fromkeys(request.alias for request in facts.alias_requests)
        if name in aliases
        for setting in alias_with_trait(aliases[name])
    ]
    return steps(
        paste(
            "in place of the alias, in [pci] of nova.conf on all nova services, and before nova 34 "
            "the trait also in the device_spec of such devices",
            *lines or ['"traits": "HW_PCI_LIVE_MIGRATABLE"'],
        ),
        "what an alias asks for is stored with the server",
        resize(facts.server.id, "with the alias of then"),
    )
