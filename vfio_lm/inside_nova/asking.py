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

"""Nova's word for a question: which servers it is about, each asked once; not one dry run."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from vfio_lm.inside_nova import stored_hosts, stored_servers
from vfio_lm.inside_nova.dry_run import DryRun
from vfio_lm.inside_nova.outage import outage
from vfio_lm.inside_nova.same_request import request_key
from vfio_lm.inside_nova.stored_servers import NotThereError
from vfio_lm.pci.nova_word import NovaAnswer, NovaWord, Omission, StoredHost, StoredServer

_T = TypeVar("_T")

NOT_COVERED = (
    "processor: libvirt compares models and features on the destination",
    "disks: both hosts look whether they are shared, and how much space is left",
    "vTPM, mediated devices, persistent memory: both hosts look at their own",
    "ports: neutron binds them on the destination",
    "[pci]alias and [workarounds] of a host's own nova.conf: those of the controller are taken",
    "what a nova-scheduler remembers of servers, which may lag behind the database by "
    "[DEFAULT]scheduler_instance_sync_interval",
    "everything after the checks: volumes, drivers, QEMU, the transfer itself",
)

#: Options of the controller that bear on a live migration.
_OPTIONS = (
    ("DEFAULT", "migrate_max_retries"),
    ("filter_scheduler", "host_subset_size"),
    ("filter_scheduler", "image_properties_default_architecture"),
    ("filter_scheduler", "pci_in_placement"),
    ("filter_scheduler", "shuffle_best_same_weighed_hosts"),
    ("scheduler", "enable_isolated_aggregate_filtering"),
    ("scheduler", "image_metadata_prefilter"),
    ("scheduler", "limit_tenants_to_placement_aggregate"),
    ("scheduler", "max_placement_results"),
    ("scheduler", "placement_aggregate_required_for_tenants"),
    ("scheduler", "query_placement_for_image_type_support"),
    ("scheduler", "query_placement_for_routed_network_aggregates"),
    ("workarounds", "skip_hypervisor_version_check_on_lm"),
)


@dataclasses.dataclass(frozen=True)
class Question:
    """What nova is asked.

    :ivar servers: IDs
    :ivar source: all servers on this host, too
    :ivar is_about_all: all servers that asked for PCI devices, in every cell, too
    :ivar host: the destination that is named; None: none
    :ivar wants_facts: whether what is stored for all hosts belongs to the answer, and for all
        servers that asked for PCI devices
    """

    servers: tuple[str, ...] = ()
    source: str | None = None
    is_about_all: bool = False
    host: str | None = None
    wants_facts: bool = False


class Asking:
    """Answers one question after the other, as long as the process lives."""

    def __init__(
        self,
        dry_run: DryRun,
        is_time_over: Callable[[], bool] = lambda: False,
        corrections: Sequence[str] = (),
    ) -> None:
        """Take a dry run to ask.

        :param is_time_over: asked before each server; the others are left out if it is true
        :param corrections: names of those that nova's code was given
        """
        self._dry_run = dry_run
        self._corrections = tuple(corrections)
        self._is_time_over = is_time_over

    def word(self, question: Question) -> NovaWord:
        """Ask nova; what could not be asked is named in the answer."""
        from nova import version

        self._dry_run.refresh()
        omissions: list[Omission] = []
        asked = self._named(question, omissions)
        known = dict(asked)
        hosts: list[StoredHost] = []
        if question.wants_facts:
            hosts, more = self._facts(omissions)
            known.update(dict.fromkeys(more))
        servers, answers = self._asked(known, frozenset(asked), question.host, omissions)
        return NovaWord(
            taken_at=datetime.datetime.now(datetime.timezone.utc),
            nova_version=str(version.version_string()),
            answers=tuple(answers),
            servers=tuple(servers),
            hosts=tuple(hosts),
            filters=self._dry_run.scheduling.filters,
            options=_options(),
            corrections=self._corrections,
            not_covered=NOT_COVERED,
            omissions=tuple(omissions),
        )

    def _named(self, question: Question, omissions: list[Omission]) -> dict[str, None]:
        """Return the IDs of the servers that are asked about, each once."""
        ids = dict.fromkeys(question.servers)
        if question.source is not None:
            with _noting(f"host {question.source}", omissions):
                context = _context_of_host(question.source)
                ids.update(dict.fromkeys(stored_servers.ids_on(context, question.source)))
        if question.is_about_all:
            for each in _of_each_cell(
                lambda context, cell: stored_servers.ids_with_devices(context), omissions
            ):
                ids.update(dict.fromkeys(each))
        return ids

    def _facts(self, omissions: list[Omission]) -> tuple[list[StoredHost], list[str]]:
        def read(context: Any, cell: Any) -> tuple[list[StoredHost], list[str]]:
            hosts = stored_hosts.describe_all(context, cell, self._dry_run.clients.servicegroup)
            return hosts, stored_servers.ids_with_devices(context)

        found = _of_each_cell(read, omissions)
        return [each for hosts, _ in found for each in hosts], [
            each for _, ids in found for each in ids
        ]

    def _asked(
        self,
        ids: Mapping[str, None],
        asked: frozenset[str],
        host: str | None,
        omissions: list[Omission],
    ) -> tuple[list[StoredServer], list[NovaAnswer]]:
        servers: list[StoredServer] = []
        answers: dict[str, NovaAnswer] = {}
        for number, server_id in enumerate(ids):
            if self._is_time_over():
                left = len(ids) - number
                omissions.append(Omission(f"{left} more servers", "there was no time left"))
                break
            with _noting(f"server {server_id}", omissions):
                subject = stored_servers.load(server_id)
                servers.append(stored_servers.describe(subject))
                if server_id in asked:
                    self._ask(subject, host, answers)
        return servers, list(answers.values())

    def _ask(
        self, subject: stored_servers.AskedServer, host: str | None, answers: dict[str, NovaAnswer]
    ) -> None:
        """Ask about a server, unless one that asks for the same was asked about."""
        key = request_key(subject)
        known = answers.get(key)
        if known is None:
            answers[key] = self._dry_run.answer(subject, host)
        else:
            more = (*known.servers, subject.instance.uuid)
            answers[key] = dataclasses.replace(known, servers=more)


@contextlib.contextmanager
def _noting(subject: str, omissions: list[Omission]) -> Iterator[None]:
    """Note what keeps a subject from being answered; an error of our own is raised."""
    try:
        yield
    except NotThereError as exc:
        omissions.append(Omission(subject, str(exc)))
    except Exception as exc:
        why = outage(exc)
        if why is None:
            raise
        omissions.append(Omission(subject, why))


def _of_each_cell(read: Callable[[Any, Any], _T], omissions: list[Omission]) -> list[_T]:
    """Return what is read from each cell that can be read.

    :param read: takes a context for the cell, and the cell
    """
    from nova import context as nova_context
    from nova import objects

    admin = nova_context.get_admin_context()
    found = []
    for cell in objects.CellMappingList.get_all(admin):
        if cell.is_cell0():
            continue
        subject = f"cell {cell.name or cell.uuid}"
        with _noting(subject, omissions), nova_context.target_cell(admin, cell) as context:
            found.append(read(context, cell))
    return found


def _context_of_host(host: str) -> Any:
    from nova import context as nova_context
    from nova import exception, objects

    context = nova_context.get_admin_context()
    try:
        mapping = objects.HostMapping.get_by_host(context, host)
    except exception.HostMappingNotFound:
        raise NotThereError("nova has no such host") from None
    nova_context.set_target_cell(context, mapping.cell_mapping)
    return context


def _options() -> dict[str, str]:
    import nova.conf

    found = {}
    for group, name in _OPTIONS:
        section = nova.conf.CONF if group == "DEFAULT" else nova.conf.CONF[group]
        value = getattr(section, name, None)
        if value is not None:
            found[f"[{group}]{name}"] = str(value)
    return found
