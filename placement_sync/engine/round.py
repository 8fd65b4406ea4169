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

"""The placement sync engine: its input, what it does in one round; not when it does it.

The agent repeats :meth:`Engine.run_round`, and ``openstack vfio provider sync|audit`` runs it
once.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from placement_sync.engine.apply import Applier, StepResult, Writing, apply_flavor
from placement_sync.engine.finding import AuditFinding
from placement_sync.engine.memory import Memory
from placement_sync.engine.observed import observe, with_classes
from placement_sync.engine.plan import FlavorStep, Plan, Step
from placement_sync.engine.planning import Aliases, Comparison, compare, make_plan
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.placement.write import TraitWriter
from vfio_lm.errors import CloudError, VfioLmError
from vfio_lm.inventory import PciFlavor
from vfio_lm.inventory.flavor import pci_flavors
from vfio_lm.pci import Alias
from vfio_lm.pci.hosts import Host, common_aliases

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

#: The name that ``writing`` is called with before a flavor is changed. Flavors belong to no
#: host; a hash ring that is asked for the owner of this name gives them to exactly one agent.
FLAVORS = "[flavors]"


def _always(_: str) -> contextlib.AbstractContextManager[bool]:
    return contextlib.nullcontext(True)


@dataclasses.dataclass(frozen=True)
class RoundResult:
    """What one round found and did. The three kinds of providers add up to ``providers``."""

    providers: int = 0
    """Providers that the configuration of the hosts says something about."""
    right: int = 0
    """Those that carry what they should, at the end of the round."""
    wrong: int = 0
    """Those that do not, at the end of the round: not written yet, or nova's own."""
    contested: int = 0
    """Those that somebody else keeps changing back; they are left alone."""
    writes: int = 0
    """Providers and flavors that were changed."""
    conflicts: int = 0
    """Times that somebody else changed a provider between our look and our write."""
    plan: Plan = dataclasses.field(default_factory=Plan)
    """What was to be done, and what was found that only the operator can do."""
    written: tuple[Step | FlavorStep, ...] = ()
    """What of the plan was written; not what was right already when its turn came."""
    news: tuple[AuditFinding, ...] = ()
    """Findings that the round before did not have; what a log should say, once."""
    errors: tuple[VfioLmError, ...] = ()
    """What kept the round from its end."""
    is_complete: bool = True
    """Whether everything that the plan has was done (or, in a dry run, worked out)."""

    @property
    def findings(self) -> tuple[AuditFinding, ...]:
        """All that only the operator can do."""
        return self.plan.findings


class Engine:
    """Brings the traits of providers to what the configuration of hosts says.

    Between rounds it only remembers, in memory, what it wrote and whether that stayed.

    :param placement: a keystoneauth adapter of the placement service
    :param compute: a keystoneauth adapter of the compute service; without one no flavor is looked
        at
    :param manage_flavors: whether to write the traits that aliases need on flavors
    :param judge_aliases: whether to look for what is wrong with aliases and flavors; that costs
        a list of all servers
    :param aliases: ``[pci]alias`` of nova-api by name; if not given, those that the files of the
        hosts agree on
    :param is_whole_cloud: whether the hosts of each round are all hosts of the cloud; only then
        it is known that an alias has no device on any of them
    """

    def __init__(
        self,
        placement: Adapter,
        compute: Adapter | None = None,
        *,
        manage_flavors: bool = False,
        judge_aliases: bool = False,
        aliases: Mapping[str, Alias] | None = None,
        is_whole_cloud: bool = False,
    ) -> None:
        self._placement = PlacementClient(placement)
        self._writer = TraitWriter(placement)
        self._nova = None if compute is None else ComputeClient(compute)
        self._manages_flavors = manage_flavors
        self._judges_aliases = judge_aliases or manage_flavors
        self._aliases = aliases
        self._is_whole_cloud = is_whole_cloud
        self._memory = Memory()
        self._known_findings: frozenset[AuditFinding] = frozenset()

    def forget_writes(self) -> None:
        """Forget what was written, because others may have written for us since.

        Else their writes would look as if somebody kept changing ours back.
        """
        self._memory = Memory()

    def plan(self, hosts: Sequence[Host]) -> Plan:
        """Work out what is to be done; nothing is written, and nothing remembered.

        :raises CloudError: if placement or nova does not answer, or the user's roles do not
            suffice
        """
        return self._look(hosts)[1]

    def run_round(
        self,
        hosts: Sequence[Host],
        *,
        all_hosts: Sequence[Host] = (),
        dry_run: bool = False,
        with_flavors: bool = True,
        writing: Writing = _always,
    ) -> RoundResult:
        """Look, plan and write once. No error of the cloud is raised: the result has it.

        :param hosts: those whose configuration could be read; nothing of others is touched
        :param all_hosts: those that aliases are judged by; ``hosts`` if not given
        :param with_flavors: whether to look at aliases and flavors in this round, as far as the
            engine is configured to at all; of several agents one is enough
        :param writing: entered around each write; where it yields False that write is left out,
            and the round is not complete
        """
        try:
            comparison, plan, contested = self._look(
                hosts, all_hosts=all_hosts, with_flavors=with_flavors
            )
        except CloudError as exc:
            return RoundResult(errors=(exc,), is_complete=False)
        news = tuple(each for each in plan.findings if each not in self._known_findings)
        self._known_findings = frozenset(plan.findings)
        if dry_run:
            return _result(plan, news, (), (), (), is_dry_run=True)
        outcomes = Applier(self._writer, writing).apply(plan.steps)
        by_uuid = {decision.uuid: decision for decision in comparison.decisions}
        for outcome in outcomes:
            if outcome.step is not None and outcome.has_changed:
                self._memory.note_written(by_uuid[outcome.step.uuid])
        self._memory.end_round(comparison.decisions, contested)
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        done: list[FlavorStep] = []
        if not errors and all(outcome.is_settled for outcome in outcomes):
            done, errors = self._write_flavors(plan.flavor_steps, writing)
        return _result(plan, news, outcomes, done, errors)

    def _look(
        self,
        hosts: Sequence[Host],
        *,
        all_hosts: Sequence[Host] = (),
        with_flavors: bool = True,
    ) -> tuple[Comparison, Plan, frozenset[str]]:
        """Compare hosts with placement; only reading."""
        judges_aliases = self._judges_aliases and with_flavors
        snapshot = observe(
            self._placement,
            [host.hypervisor_hostname for host in hosts],
            is_whole_cloud=self._is_whole_cloud or judges_aliases,
        )
        comparison = compare(hosts, snapshot)
        if comparison.is_ambiguous:
            comparison = compare(hosts, with_classes(self._placement, snapshot))
        is_part = judges_aliases and all_hosts
        seen = compare(all_hosts, comparison.snapshot) if is_part else comparison
        plan, contested = make_plan(
            comparison,
            is_contested=self._memory.is_contested,
            aliases=self._read_aliases(hosts, seen) if judges_aliases else None,
        )
        return comparison, plan, contested

    def _read_aliases(self, hosts: Sequence[Host], seen: Comparison) -> Aliases:
        aliases = common_aliases(hosts) if self._aliases is None else self._aliases
        found: tuple[PciFlavor, ...] = ()
        if self._nova is not None and aliases:
            found = pci_flavors(self._nova.flavors(), self._nova.servers(), aliases)
        return Aliases(
            aliases=aliases,
            flavors=found,
            is_managed=self._manages_flavors,
            is_whole_cloud=self._is_whole_cloud,
            seen=seen,
        )

    def _write_flavors(
        self, steps: Sequence[FlavorStep], writing: Writing
    ) -> tuple[list[FlavorStep], list[VfioLmError]]:
        """Write flavors after all providers, so that no flavor asks for what is not there yet."""
        done: list[FlavorStep] = []
        for step in steps:
            try:
                with writing(FLAVORS) as may_write:
                    if may_write and self._nova is not None and apply_flavor(self._nova, step):
                        done.append(step)
            except CloudError as exc:
                return done, [exc]
        return done, []


def _result(
    plan: Plan,
    news: tuple[AuditFinding, ...],
    outcomes: Sequence[StepResult],
    flavors: Sequence[FlavorStep],
    errors: Sequence[VfioLmError],
    *,
    is_dry_run: bool = False,
) -> RoundResult:
    written: list[Step | FlavorStep] = [o.step for o in outcomes if o.step and o.has_changed]
    written += flavors
    settled = sum(outcome.is_settled for outcome in outcomes)
    unsettled = len(plan.steps) - settled
    wrong = plan.nova_wrong + unsettled
    is_done = is_dry_run or not unsettled
    return RoundResult(
        providers=plan.providers,
        right=plan.providers - wrong - plan.contested,
        wrong=wrong,
        contested=plan.contested,
        writes=len(written),
        conflicts=sum(outcome.conflicts for outcome in outcomes),
        plan=plan,
        written=tuple(written),
        news=news,
        errors=tuple(errors),
        is_complete=is_done and not errors,
    )
