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

"""Will this server live migrate? The questions, the facts they need, and the report.

The stable interface is what this module exports::

    import openstack
    from vfio_lm.pci import read_nova_conf
    from vfio_lm.preflight import Verdict, check_server

    conf = read_nova_conf(["/etc/nova/nova.conf"])
    report = check_server(
        openstack.connect(cloud="mycloud"),
        "my-server",
        aliases=conf.aliases,
        pci_in_placement=conf.pci_in_placement,
    )
    if report.verdict is Verdict.READY:
        print([d.host for d in report.destinations if d.verdict is Verdict.READY])
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vfio_lm.cloud.model import Network
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.pci import Alias
from vfio_lm.pci.hosts import Host
from vfio_lm.preflight.check import Check, Outcome, Refuser, Scope, Status
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.facts import Destination, Facts, Source, SourceDevice
from vfio_lm.preflight.gather.collection import collect, find_subject
from vfio_lm.preflight.gather.selection import Selection
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.many_servers import Stage, Survey, check_servers
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.preflight.report import (
    CheckResult,
    DestinationReport,
    DeviceReport,
    Report,
    Verdict,
)

if TYPE_CHECKING:
    from openstack.connection import Connection

__all__ = [
    "Check",
    "CheckResult",
    "Destination",
    "DestinationReport",
    "DeviceReport",
    "Facts",
    "Host",
    "Inputs",
    "Network",
    "Outcome",
    "Refuser",
    "Report",
    "Scope",
    "Selection",
    "Source",
    "SourceDevice",
    "Stage",
    "Status",
    "Survey",
    "Verdict",
    "check_server",
    "check_servers",
    "check_with",
]


def check_server(
    connection: Connection,
    server_id: str,
    *,
    host: str | None = None,
    aliases: Mapping[str, Alias] | None = None,
    pci_in_placement: bool | None = None,
    hosts: Mapping[str, Host] | None = None,
) -> Report:
    """Say whether nova would live migrate a server, and where to.

    :param connection: a connection with the admin role; nothing is changed with it
    :param server_id: the server's ID, or its exact name
    :param host: only this destination, as with ``openstack server migrate --host``
    :param aliases: ``[pci]alias`` of nova-api by name, see :func:`vfio_lm.pci.read_nova_conf`;
        without them a server with devices of an alias is never ready
    :param pci_in_placement: ``[filter_scheduler]pci_in_placement`` of the scheduler, where known
    :param hosts: what is known of hosts beyond the APIs, by host; where PCI devices are not
        in placement, a server is only ready for hosts of which nova.conf and facts are there
    :raises vfio_lm.errors.CloudError: if nova or placement does not answer, the server or host
        does not exist, or the user's roles do not suffice
    :raises vfio_lm.pci.alias.AliasError: if the server's flavor has a malformed alias extra spec
    """
    inputs = Inputs(
        now=datetime.datetime.now(datetime.timezone.utc),
        aliases=aliases,
        pci_in_placement=pci_in_placement,
        hosts=hosts or {},
    )
    return check_with(connection, server_id, inputs, host=host)


def check_with(
    connection: Connection, server_id: str, inputs: Inputs, *, host: str | None = None
) -> Report:
    """Do the same as :func:`check_server` with all inputs that the preflight takes."""
    cloud = WholeCloud(connection)
    subject = find_subject(cloud, server_id)
    (facts,) = collect(cloud, [subject], inputs, host=host)
    return examine(facts, installed_checks())
