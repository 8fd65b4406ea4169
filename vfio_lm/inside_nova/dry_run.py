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

"""A dry run of one live migration by nova's own code: its checks in nova's order, host by host."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from vfio_lm.inside_nova.choice import Contender, choose
from vfio_lm.inside_nova.conducting import (
    Conducting,
    Examined,
    objection_of,
    refused_exceptions,
)
from vfio_lm.inside_nova.databases import reason
from vfio_lm.inside_nova.distinct import distinct
from vfio_lm.inside_nova.guard import Guard, WriteRefusedError
from vfio_lm.inside_nova.nova_log import NovaLog
from vfio_lm.inside_nova.outage import InterruptedRunError, outage
from vfio_lm.inside_nova.scheduling import Filtered, PlacementOffer, Scheduling
from vfio_lm.inside_nova.stored_servers import AskedServer
from vfio_lm.pci.nova_word import (
    Decider,
    Ending,
    NovaAnswer,
    NovaDestination,
    Objection,
)

#: Different kinds of allocation candidates that are tried on one host.
_MOST_CANDIDATES = 16


@dataclasses.dataclass(frozen=True)
class Clients:
    """How nova's code reaches placement, neutron and the services' heartbeats."""

    report: Any
    network: Any
    servicegroup: Any


class DryRun:
    """Asks nova's code about servers, one after the other.

    :param is_time_over: asked before each host; the dry run of a server ends if it is true
    """

    def __init__(self, guard: Guard, is_time_over: Callable[[], bool] = lambda: False) -> None:
        from nova import servicegroup
        from nova.network import neutron

        self._guard = guard
        self._is_time_over = is_time_over
        self._log = NovaLog()
        self._log.attach("nova", "vfio_lm.inside_nova")
        self.clients = Clients(_report_client(), neutron.API(), servicegroup.API())
        self.scheduling = Scheduling(self._log, self.clients.report, self.clients.servicegroup)
        self._refused = refused_exceptions()

    def refresh(self) -> None:
        """Read again what may have changed since the last server."""
        self.scheduling.refresh()

    def answer(self, subject: AskedServer, host: str | None = None) -> NovaAnswer:
        """Say what would become of a live migration.

        :param host: the destination that the request names; None: none
        :raises InterruptedRunError: if something keeps nova's code from running to its end
        """
        began = time.perf_counter()
        del self._guard.refused[:]
        self._log.take()
        try:
            answer = self._answer(subject, host)
        except Exception as exc:
            why = outage(exc) or f"nova's code failed here: {type(exc).__name__}: {reason(exc)}"
            raise InterruptedRunError(why) from exc
        if self._guard.refused:
            raise InterruptedRunError(f"nova's code wanted to write ({self._guard.refused[0]})")
        return dataclasses.replace(answer, seconds=round(time.perf_counter() - began, 3))

    def _answer(self, subject: AskedServer, host: str | None) -> NovaAnswer:
        instance, spec = subject.instance, subject.spec
        objection = self._of_api(subject, host)
        if objection is not None:
            return self._ended(subject, host, Ending.REFUSED, objection)
        if host is not None:
            spec.requested_destination = _named(subject.context, host)
        conducting = Conducting(subject.context, instance, spec, self.clients, self._refused)
        try:
            conducting.check_server()
            request = conducting.request()
        except Exception as exc:  # noqa: BLE001 - whatever nova raises is its answer
            self._raise_unless_novas(exc)
            said = objection_of(exc, Decider.CONDUCTOR, tuple(self._log.take()))
            return self._ended(subject, host, conducting.ending(exc), said)
        try:
            candidates = self.scheduling.candidates(subject.context, request)
        except Exception as exc:  # noqa: BLE001 - whatever nova raises is its answer
            self._raise_unless_novas(exc)
            said = objection_of(exc, Decider.PLACEMENT, tuple(self._log.take()))
            return self._ended(subject, host, conducting.ending(exc), said)
        return self._of_hosts(subject, host, conducting, candidates)

    def _of_api(self, subject: AskedServer, host: str | None) -> Objection | None:
        """Run nova-api's checks, up to the point where it marks the server as migrating."""
        from nova.compute import api

        instance = subject.instance.obj_clone()
        compute = api.API.__new__(api.API)
        compute.network_api = self.clients.network
        compute.servicegroup_api = self.clients.servicegroup
        try:
            compute.live_migrate(
                subject.context, instance, None, None, host, force=None if host is None else False
            )
        except WriteRefusedError:
            if self._guard.refused != ["Instance.save"]:
                raise
            del self._guard.refused[:]
            return None
        except Exception as exc:  # noqa: BLE001 - whatever nova raises is its answer
            self._raise_unless_novas(exc)
            return objection_of(exc, Decider.API, tuple(self._log.take()))
        raise InterruptedRunError("nova-api did not come to the point where it begins to migrate")

    def _of_hosts(
        self,
        subject: AskedServer,
        host: str | None,
        conducting: Conducting,
        candidates: PlacementOffer,
    ) -> NovaAnswer:
        source = subject.instance.host
        states = [
            each
            for each in self.scheduling.host_states(subject.context, candidates)
            if each.host != source and host in (None, each.host)
        ]
        judged = [
            self._judge(conducting, state, filtered, candidates)
            for state, filtered in zip(states, self.scheduling.filtered(states, candidates))
        ]
        contenders = self._contenders(judged, candidates.spec)
        retries = self.scheduling.max_retries
        choice = choose(contenders, self.scheduling.subset_size, retries)
        weights = {each.host: each.weight for each in contenders}
        destinations = [
            each.destination(choice.hosts, weights.get(each.state.host)) for each in judged
        ]
        destinations += self._left_out(subject, host, {each.host for each in states}, candidates)
        ending = choice.ending
        if host is not None and destinations:
            ending = destinations[0].ending
        return NovaAnswer(
            servers=(subject.instance.uuid,),
            source=source,
            ending=ending,
            destinations=tuple(sorted(destinations, key=lambda each: each.host)),
            is_about_one_host=host is not None,
        )

    def _judge(
        self, conducting: Conducting, state: Any, filtered: Filtered, candidates: PlacementOffer
    ) -> _Judged:
        if self._is_time_over():
            raise InterruptedRunError("there was no time left")
        if filtered.objections:
            return _Judged(state, filtered.objections, (), 0)
        kinds = distinct(filtered.candidates, state)
        examined = []
        for each in kinds[:_MOST_CANDIDATES]:
            self._log.take()
            examined.append(conducting.examine(state, each, candidates.version))
            self._raise_write()
        notes: tuple[str, ...] = ()
        if len(kinds) > _MOST_CANDIDATES:
            notes = (f"only {_MOST_CANDIDATES} of {len(kinds)} kinds of candidates were tried",)
        return _Judged(state, (), tuple(examined), len(filtered.candidates), notes)

    def _contenders(self, judged: Sequence[_Judged], spec: Any) -> list[Contender]:
        passed = [each for each in judged if each.examined]
        last = [each for each in passed if each.endings]
        weights = self.scheduling.weights([each.state for each in passed], spec)
        later = self.scheduling.weights([each.state for each in last], spec)
        return [
            Contender(
                host=each.state.host,
                endings=each.endings,
                may_be_passed_over=each.may_be_passed_over,
                weight=weights[each.key],
                weight_later=later.get(each.key, weights[each.key]),
            )
            for each in passed
        ]

    def _left_out(
        self, subject: AskedServer, host: str | None, seen: set[str], candidates: PlacementOffer
    ) -> list[NovaDestination]:
        """Name the hosts of the cell that placement does not offer."""
        from nova import objects

        found = []
        for node in objects.ComputeNodeList.get_all(subject.context):
            if node.host in seen or host not in (None, node.host):
                continue
            if node.host == subject.instance.host:
                if host is None:
                    continue
                said = Objection(Decider.CONDUCTOR, "the server is on this host")
            else:
                said = Objection(
                    Decider.PLACEMENT, "placement has no allocation candidate on this host"
                )
            is_unsure = candidates.is_cut and said.decider is Decider.PLACEMENT
            found.append(
                NovaDestination(
                    node.host,
                    node.hypervisor_hostname,
                    Ending.UNKNOWN if is_unsure else Ending.REFUSED,
                    objections=(said,),
                    notes=(_CUT,) if is_unsure else (),
                )
            )
        return found

    def _ended(
        self, subject: AskedServer, host: str | None, ending: Ending, objection: Objection
    ) -> NovaAnswer:
        return NovaAnswer(
            servers=(subject.instance.uuid,),
            source=subject.instance.host,
            ending=ending,
            objections=(objection,),
            is_about_one_host=host is not None,
        )

    def _raise_unless_novas(self, error: Exception) -> None:
        """Raise an error again that is not nova's word about the server."""
        from nova import exception

        is_novas = isinstance(error, exception.NovaException) and outage(error) is None
        if not is_novas:
            raise error

    def _raise_write(self) -> None:
        if self._guard.refused:
            raise WriteRefusedError(self._guard.refused[0])


_CUT = "placement's answer was cut at [scheduler]max_placement_results: ask about this host alone"


@dataclasses.dataclass(frozen=True)
class _Judged:
    """What became of one host.

    :ivar objections: of the filters
    :ivar examined: what conductor and nova-compute say, for each kind of candidate
    :ivar candidates: the number that the filters left
    """

    state: Any
    objections: tuple[Objection, ...]
    examined: tuple[Examined, ...]
    candidates: int
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.state.host, self.state.nodename

    @property
    def endings(self) -> frozenset[Ending]:
        """How it may end here without another host being asked."""
        return frozenset(each.ending for each in self.examined if each.ends_search)

    @property
    def may_be_passed_over(self) -> bool:
        return any(not each.ends_search for each in self.examined)

    def destination(self, chosen: frozenset[str], weight: float | None) -> NovaDestination:
        """Return the answer about this host if it is named."""
        endings = {each.ending for each in self.examined} or {Ending.REFUSED}
        objections = [*self.objections, *(each.objection for each in self.examined)]
        notes = [*self.notes, *(note for each in self.examined for note in each.notes)]
        return NovaDestination(
            host=self.state.host,
            node=self.state.nodename,
            ending=endings.pop() if len(endings) == 1 else Ending.DEPENDS,
            may_be_chosen=self.state.host in chosen,
            objections=tuple(dict.fromkeys(each for each in objections if each is not None)),
            weight=weight,
            candidates=self.candidates,
            cells=self.examined[0].cells if self.examined else (),
            notes=tuple(dict.fromkeys(notes)),
        )


def _named(context: Any, host: str) -> Any:
    """Return what nova-api puts into the request if a host is named.

    Source: ``nova/compute/api.py`` ``live_migrate`` (nova 34.0.0), which has run before.
    """
    from nova import objects

    node = objects.ComputeNodeList.get_all_by_host(context, host)[0]
    return objects.Destination(host=node.host, node=node.hypervisor_hostname)


def _report_client() -> Any:
    from nova.scheduler.client import report

    return report.report_client_singleton()
