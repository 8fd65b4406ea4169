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

"""From what hosts should say and what placement says to a plan; pure, nothing is fetched here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from placement_sync.engine import audit, flavors, traits
from placement_sync.engine.alias_findings import aliases_without_provider, aliases_without_trait
from placement_sync.engine.decision import Decision, decisions
from placement_sync.engine.desired import Desired, desired
from placement_sync.engine.finding import AuditFinding
from placement_sync.engine.observed import Snapshot
from placement_sync.engine.plan import FlavorStep, Plan, Step
from vfio_lm.inventory import PciFlavor
from vfio_lm.pci import Alias
from vfio_lm.pci.hosts import Host


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Hosts beside what placement says of them."""

    snapshot: Snapshot
    hosts: tuple[Host, ...]
    """Those that placement knows, by name."""
    wanted: Mapping[str, Desired]
    """By host."""
    decisions: tuple[Decision, ...]
    """About all providers that may be written, by host."""
    unknown_hosts: tuple[Host, ...]

    @property
    def is_whole_cloud(self) -> bool:
        """Whether there is no tree in the cloud that is none of the hosts'."""
        trees = self.snapshot.trees
        return bool(trees) and self.snapshot.is_whole_cloud and trees.keys() <= self.wanted.keys()

    @property
    def is_ambiguous(self) -> bool:
        """Whether the resource classes of providers would tell more."""
        return any(each.is_ambiguous for each in self.wanted.values())


@dataclasses.dataclass(frozen=True)
class Aliases:
    """What is known of aliases and flavors, and what may be said and done about them."""

    aliases: Mapping[str, Alias]
    flavors: tuple[PciFlavor, ...] = ()
    is_managed: bool = False
    """Whether flavors may be written."""
    is_whole_cloud: bool = False
    """Whether the hosts are all hosts of the cloud."""
    seen: Comparison | None = None
    """The hosts that aliases are judged by, if they are others than those of the plan."""


def compare(hosts: Iterable[Host], snapshot: Snapshot) -> Comparison:
    """Work out what the trees of hosts should say."""
    hosts = sorted(hosts, key=lambda host: host.hypervisor_hostname)
    known = tuple(host for host in hosts if host.hypervisor_hostname in snapshot.trees)
    wanted = {
        host.hypervisor_hostname: desired(host, snapshot.trees[host.hypervisor_hostname])
        for host in known
    }
    return Comparison(
        snapshot=snapshot,
        hosts=known,
        wanted=wanted,
        decisions=tuple(
            decision
            for host in known
            for decision in decisions(
                host, snapshot.trees[host.hypervisor_hostname], wanted[host.hypervisor_hostname]
            )
        ),
        unknown_hosts=tuple(
            host for host in hosts if host.hypervisor_hostname not in snapshot.trees
        ),
    )


def make_plan(
    comparison: Comparison,
    *,
    is_contested: Callable[[Decision], bool] = lambda _: False,
    aliases: Aliases | None = None,
) -> tuple[Plan, frozenset[str]]:
    """Return the plan of a round, and the UUIDs of the contested providers."""
    contested = tuple(filter(is_contested, comparison.decisions))
    left_alone = frozenset(decision.uuid for decision in contested)
    steps = tuple(
        decision.step
        for decision in comparison.decisions
        if decision.changed and decision.uuid not in left_alone
    )
    findings = [*map(audit.contested, contested), *_host_findings(comparison)]
    flavor_steps: list[FlavorStep] = []
    for each in _about_aliases(comparison, steps, aliases) if aliases else ():
        if isinstance(each, AuditFinding):
            findings.append(each)
        else:
            flavor_steps.append(each)
    plan = Plan(
        steps=steps,
        flavor_steps=tuple(flavor_steps),
        findings=tuple(findings),
        providers=len(comparison.decisions) + len(tuple(_of_nova(comparison))),
        nova_wrong=sum(not is_right for is_right in _of_nova(comparison)),
        contested=len(contested),
    )
    return plan, left_alone


def _of_nova(comparison: Comparison) -> Iterator[bool]:
    """Yield for each PCI provider of nova's whether it is as declared."""
    for host in comparison.hosts:
        tree = comparison.snapshot.trees[host.hypervisor_hostname]
        for uuid, said in comparison.wanted[host.hypervisor_hostname].of_nova.items():
            yield audit.is_as_declared(tree.providers[uuid], said)


def _host_findings(comparison: Comparison) -> Iterator[AuditFinding]:
    yield from map(audit.host_without_provider, comparison.unknown_hosts)
    for decision in comparison.decisions:
        told = decision.wish.present.keys() | decision.wish.absent.keys()
        if unclear := {traits.LIVE_MIGRATABLE, traits.NOT_LIVE_MIGRATABLE} - told:
            yield audit.undecided(decision, unclear)
    for host in comparison.hosts:
        tree = comparison.snapshot.trees[host.hypervisor_hostname]
        yield from audit.host_findings(host, tree, comparison.wanted[host.hypervisor_hostname])


def _about_aliases(
    comparison: Comparison, steps: Sequence[Step], known: Aliases
) -> Iterator[FlavorStep | AuditFinding]:
    seen = known.seen or comparison
    wanted = seen.wanted.values()
    if (known.is_whole_cloud or seen.is_whole_cloud) and not seen.unknown_hosts:
        yield from aliases_without_provider(known.aliases, wanted)
    yield from aliases_without_trait(known.aliases, wanted)
    roots = _roots_afterwards(comparison, steps)
    for item in known.flavors:
        yield from flavors.judge_flavor(item, roots, is_managed=known.is_managed)


def _roots_afterwards(comparison: Comparison, steps: Sequence[Step]) -> tuple[frozenset[str], ...]:
    """Return the traits of all roots of the cloud as they are when the steps are done."""
    by_uuid = {step.uuid: step for step in steps}
    roots = (tree.root for tree in comparison.snapshot.trees.values())
    return tuple(
        by_uuid[root.uuid].applied_to(root.traits) if root.uuid in by_uuid else root.traits
        for root in roots
        if root is not None
    )
