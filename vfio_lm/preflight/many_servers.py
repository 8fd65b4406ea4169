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

"""The preflight of many servers, one report after the other; what is checked is elsewhere."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vfio_lm.cloud.model import Server
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.gather.collection import collect
from vfio_lm.preflight.gather.selection import Selected, Selection, checked_servers, select
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.preflight.report import Report

if TYPE_CHECKING:
    from openstack.connection import Connection


class Stage(enum.Enum):
    """What a survey is busy with."""

    HOLDINGS = "holdings"
    """Asking what the servers hold; counted in requests."""
    CHECKS = "checks"
    """Asking the checks; counted in servers."""


Progress = Callable[[Stage, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""


@dataclasses.dataclass(frozen=True)
class Survey:
    """The reports of many servers."""

    reports: Iterator[Report]
    """In no particular order, each made when it is asked for: one of a large cloud takes
    megabytes, so keep what you need of it, not all of them. Errors of the cloud come up here."""
    count: int
    """How many reports there are."""
    others: int
    """How many more servers were not looked at: they hold no PCI device, as far as is known."""
    others_are_known: bool
    """False where neutron does not show which of the others have ports with a device."""


def check_servers(
    connection: Connection,
    selection: Selection,
    inputs: Inputs,
    *,
    host: str | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Survey:
    """Do the same as :func:`vfio_lm.preflight.check_server` for many servers.

    The number of requests grows with the different questions that nova would ask placement on
    behalf of the servers, not with the servers, apart from one light request for each server or
    for each provider in use on its host, whichever are fewer.

    :param connection: a connection with the admin role; nothing is changed with it
    :param selection: which servers
    :param host: only this destination
    :param progress: called in this thread
    :raises vfio_lm.errors.CloudError: if nova or placement does not answer, a server or host does
        not exist, or the user's roles do not suffice
    :raises vfio_lm.pci.alias.AliasError: if the flavor of a server that is named has a malformed
        alias extra spec
    """
    cloud = WholeCloud(connection)
    if host is not None:
        cloud.service(host)
    selected = select(cloud, selection)
    return Survey(
        reports=_reports(cloud, selected, inputs, host, progress),
        count=len(selected.subjects),
        others=selected.others,
        others_are_known=selected.others_are_known,
    )


def check_these(cloud: WholeCloud, servers: Sequence[Server], inputs: Inputs) -> Iterator[Report]:
    """Yield the reports of servers of a cloud that are at hand, in no particular order.

    What the cloud has been asked already is not asked again.

    :raises vfio_lm.errors.CloudError: if nova or placement does not answer, or the user's roles do
        not suffice
    """
    selected = Selected(checked_servers(cloud, servers))
    return _reports(cloud, selected, inputs, None, lambda stage, done, total: None)


def _reports(
    cloud: WholeCloud, selected: Selected, inputs: Inputs, host: str | None, progress: Progress
) -> Iterator[Report]:
    def tell(done: int, total: int) -> None:
        progress(Stage.HOLDINGS, done, total)

    total = len(selected.subjects)
    checks = installed_checks()
    all_facts = collect(cloud, selected.subjects, inputs, host=host, tell=tell)
    for done, facts in enumerate(all_facts):
        progress(Stage.CHECKS, done, total)
        yield examine(facts, checks)
    progress(Stage.CHECKS, total, total)
