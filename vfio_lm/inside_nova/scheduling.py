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

"""Nova's scheduler up to the choice of a host: candidates, filters and weights."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vfio_lm.inside_nova.fingerprint import undecorated
from vfio_lm.inside_nova.nova_log import NovaLog
from vfio_lm.inside_nova.outage import InterruptedRunError
from vfio_lm.pci.nova_word import Decider, Objection

#: In what nova logs (nova/scheduler/client/report.py, get_allocation_candidates, nova 34.0.0).
_SERVER_ERROR = re.compile(r"\bGot 5\d\d:")


@dataclasses.dataclass(frozen=True)
class PlacementOffer:
    """What placement offers.

    :ivar spec: the request as the scheduler's request filters left it
    :ivar by_root: the allocation candidates of each provider, in placement's order
    :ivar is_cut: whether there were as many as nova takes at the most
    """

    spec: Any
    by_root: Mapping[str, Sequence[Mapping[str, Any]]]
    summaries: Mapping[str, Any]
    version: str | None
    is_cut: bool


@dataclasses.dataclass(frozen=True)
class Filtered:
    """What the enabled filters say of one host.

    :ivar candidates: the allocation candidates that they leave
    """

    objections: tuple[Objection, ...]
    candidates: Sequence[Mapping[str, Any]]


class Scheduling:
    """The scheduler that the nova.conf describes, in this process."""

    def __init__(self, log: NovaLog, report_client: Any, servicegroup: Any) -> None:
        import nova.conf

        self._log = log
        self._conf = nova.conf.CONF
        self._manager = _scheduler(_Placement(report_client, log), servicegroup)
        self._hosts = self._manager.host_manager
        # A filter of the operator's own has a logger of its own name.
        modules = {type(each).__module__ for each in self._hosts.enabled_filters}
        log.attach(*sorted({each for each in modules if not each.startswith("nova.")}))

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the enabled filters."""
        return tuple(type(each).__name__ for each in self._hosts.enabled_filters)

    @property
    def subset_size(self) -> int:
        """``[filter_scheduler]host_subset_size``."""
        return int(self._conf.filter_scheduler.host_subset_size)

    @property
    def max_retries(self) -> int:
        """``[DEFAULT]migrate_max_retries``."""
        return int(self._conf.migrate_max_retries)

    def refresh(self) -> None:
        """Read again what a scheduler learns by RPC: cells and aggregates."""
        hosts = self._hosts
        hosts.refresh_cells_caches()
        hosts.aggs_by_id.clear()
        hosts.host_aggregates_map.clear()
        hosts._init_aggregates()

    def candidates(self, context: Any, spec: Any) -> PlacementOffer:
        """Run the request filters, and ask placement.

        :raises nova.exception.NoValidHost: if there is no candidate, or a request filter objects
        """
        select = undecorated(type(self._manager).select_destinations, "select_destinations")
        select(
            self._manager,
            context,
            spec_obj=spec,
            instance_uuids=[spec.instance_uuid],
            return_objects=True,
            return_alternates=False,
        )
        spec, by_root, summaries, version = self._manager.found
        # One candidate stands under each provider that it takes from.
        distinct = {id(each) for several in by_root.values() for each in several}
        is_cut = len(distinct) >= self._conf.scheduler.max_placement_results
        return PlacementOffer(spec, by_root, summaries, version, is_cut)

    def host_states(self, context: Any, candidates: PlacementOffer) -> list[Any]:
        """Return the scheduler's view of the hosts that placement offers, by their names."""
        states = self._manager._get_all_host_states(
            context.elevated(), candidates.spec, candidates.summaries
        )
        return sorted(states, key=lambda state: (state.host, state.nodename))

    def filtered(self, states: Sequence[Any], candidates: PlacementOffer) -> list[Filtered]:
        """Ask every enabled filter about every host, also about those that another objects to."""
        left = [copy.deepcopy(candidates.by_root.get(each.uuid, [])) for each in states]
        objections: list[list[Objection]] = [[] for _ in states]
        for each in self._hosts.enabled_filters:
            for number, (passed, said) in enumerate(
                self._verdicts(each, states, left, candidates.spec)
            ):
                if passed:
                    left[number] = states[number].allocation_candidates
                else:
                    reason = said.pop() if said else ""
                    objections[number].append(
                        Objection(Decider.FILTER, reason, type(each).__name__, tuple(said))
                    )
        return [
            Filtered(tuple(objections[number]), left[number] or []) for number in range(len(states))
        ]

    def weights(self, states: Sequence[Any], spec: Any) -> dict[tuple[str, str], float]:
        """Weigh hosts against each other; the answer is by host and node."""
        weighed = self._hosts.get_weighed_hosts(list(states), spec) if states else []
        return {(each.obj.host, each.obj.nodename): float(each.weight) for each in weighed}

    def _verdicts(
        self,
        filter_: Any,
        states: Sequence[Any],
        left: Sequence[Sequence[Mapping[str, Any]]],
        spec: Any,
    ) -> list[tuple[bool, list[str]]]:
        from nova.filters import BaseFilter

        for number, state in enumerate(states):
            state.allocation_candidates = copy.copy(left[number])
        if type(filter_).filter_all is not BaseFilter.filter_all:
            # It may compare hosts with each other: who is asked alone is no answer.
            self._log.take()
            kept = {id(each) for each in filter_.filter_all(list(states), spec)}
            said = self._log.take()
            return [(id(state) in kept, list(said)) for state in states]
        found = []
        for state in states:
            self._log.take()
            passed = bool(list(filter_.filter_all([state], spec)))
            found.append((passed, [] if passed else self._log.take()))
        return found


class _Placement:
    """Placement as the scheduler asks it, which takes silence for an answer without candidates."""

    def __init__(self, report_client: Any, log: NovaLog) -> None:
        self._report_client = report_client
        self._log = log

    def get_allocation_candidates(self, context: Any, resources: Any) -> Any:
        """Ask for candidates.

        :raises InterruptedRunError: if placement does not answer, or with an error of its own
        """
        found = self._report_client.get_allocation_candidates(context, resources)
        if found is not None and found[0] is not None:
            return found
        said = self._log.take()
        if found is None:
            reason = said[-1] if said else "it cannot be reached"
            raise InterruptedRunError(f"placement does not answer: {reason}")
        failed = next((line for line in said if _SERVER_ERROR.search(line)), None)
        if failed is not None:
            raise InterruptedRunError(f"placement fails: {failed}")
        return found


def _scheduler(report_client: Any, servicegroup: Any) -> Any:
    from nova.scheduler import host_manager, manager

    class Scheduler(manager.SchedulerManager):  # type: ignore[misc]
        """Stops where candidates are known and a host is about to be chosen."""

        placement_client = report_client

        def __init__(self) -> None:
            self.host_manager = host_manager.HostManager()
            self.servicegroup_api = servicegroup
            self.found: tuple[Any, ...] = ()

        def _select_destinations(
            self,
            context: Any,
            spec_obj: Any,
            instance_uuids: Any,
            alloc_reqs_by_rp_uuid: Any,
            provider_summaries: Any,
            allocation_request_version: Any = None,
            return_alternates: bool = False,
        ) -> list[Any]:
            self.found = (
                spec_obj,
                alloc_reqs_by_rp_uuid,
                provider_summaries,
                allocation_request_version,
            )
            return []

    return Scheduler()
