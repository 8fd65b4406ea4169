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

"""``openstack vfio report``: what those who help with a cloud want to see, in one file."""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from osc_vfio_lm import command, inputs
from osc_vfio_lm.cells import LinesColumn

if TYPE_CHECKING:
    from openstack.connection import Connection

    from osc_vfio_lm.bundle import Part
    from vfio_lm.errors import VfioLmError
    from vfio_lm.preflight import Inputs

_PACKAGES = (
    "openstack-vfio-lm",
    "python-openstackclient",
    "openstacksdk",
    "keystoneauth1",
    "os-traits",
    "os-resource-classes",
)


_INCOMPLETE = 2


class CreateReport(command.ShowOne):
    _description = """\
Collect what helps to find out why live migration does not work, in one file

The file is a compressed tar archive that only its owner may read. It has

  versions.json            of the packages here, and of nova's API
  hosts.json               each compute host: whether it is up, its hypervisor
  devices.json             PCI devices in placement, free and used
  audit.json               what 'openstack vfio provider audit' finds, of hosts with nova.conf
  preflight/<server>.json  what 'openstack vfio migration check' says of each --server
  nova-conf/<host>.conf    options of nova.conf that bear on live migration
  host-facts/<host>.json   what 'vfio-lm-host probe' wrote
  manifest.json            which of these are there, and why one is not

No password is in it: of a nova.conf only options from a list are taken, all others are left out.
Names of hosts, servers and devices are in it. Nothing is changed in the cloud."""

    exit_statuses = (
        (0, "the file is written and has all parts"),
        (_INCOMPLETE, "the file is written, and a part is missing: it is listed with the reason"),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--server",
            metavar="<server>",
            action="append",
            default=[],
            dest="servers",
            help="Server whose preflight is to be in the report (name or ID, repeat option for "
            "other servers)",
        )
        inputs.add_preflight_inputs(parser)
        parser.add_argument(
            "--output",
            metavar="<file>",
            help="File to write, which must not exist (default: vfio-report-<time>.tar.gz here)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from osc_lib.cli import format_columns

        from osc_vfio_lm import bundle

        confs = inputs.conf_paths(parsed_args)
        self._refuse_unknown(parsed_args.servers)
        now = datetime.datetime.now(datetime.timezone.utc)
        path = parsed_args.output or f"vfio-report-{now:%Y%m%dT%H%M%SZ}.tar.gz"
        parts = tuple(self._parts(parsed_args, confs))
        bundle.write_bundle(path, parts, now.timestamp())
        missing = [f"{part.name}: {part.error}" for part in parts if part.error]
        if missing:
            self.status = _INCOMPLETE
        return ("file", "parts", "missing"), (
            path,
            format_columns.ListColumn([part.name for part in parts if not part.error]),
            LinesColumn(missing),
        )

    def _refuse_unknown(self, servers: Sequence[str]) -> None:
        """Refuse the name of a server that does not exist; nova may fail to answer.

        :raises vfio_lm.errors.NotFoundError: if there is no such server
        """
        from vfio_lm.cloud.nova import ComputeClient
        from vfio_lm.errors import NotFoundError, VfioLmError

        for server in servers:
            try:
                ComputeClient.of(self.app.client_manager.sdk_connection).server(server)
            except NotFoundError:
                raise
            except VfioLmError:
                return  # each part says so itself

    def _parts(
        self, parsed_args: argparse.Namespace, confs: inputs.NovaConfPaths
    ) -> Iterator[Part]:
        from osc_vfio_lm.bundle import part
        from vfio_lm.errors import VfioLmError

        # A file that nova would refuse may be the very reason for the report.
        known: Inputs | VfioLmError
        try:
            known = inputs.read_preflight_inputs(parsed_args)
        except VfioLmError as exc:
            known = exc
        connection = self.app.client_manager.sdk_connection
        of_the_cloud: dict[str, Callable[[Connection], Any]] = {
            "versions.json": _versions,
            "hosts.json": _hosts,
            "devices.json": _devices,
        }
        for name, collect in of_the_cloud.items():
            yield part(name, functools.partial(collect, connection))
        if confs.hosts:
            yield part("audit.json", functools.partial(_audit, connection, confs))
        for server in parsed_args.servers:
            yield part(
                f"preflight/{_as_name(server)}.json",
                functools.partial(_preflight, connection, server, known),
            )
        yield part("nova-conf/api.conf", functools.partial(_redacted, confs.api))
        for host, paths in confs.hosts.items():
            yield part(f"nova-conf/{_as_name(host)}.conf", functools.partial(_redacted, paths))
        if isinstance(known, VfioLmError):
            yield part("host-facts", functools.partial(_raise, known))
            return
        for host, of_host in known.hosts.items():
            if of_host.facts is not None:
                yield part(f"host-facts/{_as_name(host)}.json", of_host.facts.to_json)


def _raise(error: Exception) -> Any:
    raise error


def _as_name(text: str) -> str:
    """Return what can be a file's name."""
    return text.replace("/", "_").lstrip(".") or "_"


def _versions(connection: Connection) -> Any:
    from vfio_lm.cloud.nova import ComputeClient

    installed: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed[name] = None
    microversion = ComputeClient.of(connection).max_microversion()
    return {
        "packages": installed,
        "python": platform.python_version(),
        "nova_microversion": ".".join(map(str, microversion)),
    }


def _hosts(connection: Connection) -> Any:
    from vfio_lm.cloud.snapshot import WholeCloud

    cloud = WholeCloud(connection)
    nodes = cloud.nodes()
    hosts = {}
    for host, service in cloud.services.items():
        node = nodes.get(host)
        hosts[host] = {
            "is_up": service.is_up,
            "is_enabled": service.is_enabled,
            "is_forced_down": service.is_forced_down,
            "zone": service.zone,
            "hypervisor_hostname": node and node.hypervisor_hostname,
            "hypervisor_type": node and node.hypervisor_type,
            "hypervisor_version": node and node.hypervisor_version,
        }
    return hosts


def _devices(connection: Connection) -> Any:
    from vfio_lm.cloud.snapshot import WholeCloud
    from vfio_lm.inventory import collect_devices

    return [
        {
            "host": device.host,
            "address": device.address,
            "resource_class": device.resource_class,
            "total": device.total,
            "used": device.used,
            "live_migratable": device.live_migratable.value,
            "traits": sorted(device.provider.traits),
            "provider": device.provider.uuid,
        }
        for device in collect_devices(WholeCloud(connection))
    ]


def _audit(connection: Connection, confs: inputs.NovaConfPaths) -> Any:
    from placement_sync.engine.round import Engine
    from vfio_lm.cloud.http.catalogue import adapter
    from vfio_lm.pci import read_nova_conf
    from vfio_lm.pci.hosts import read_host

    configs = [
        read_host(paths, host, hypervisor_hostname=host)
        for host, paths in sorted(confs.hosts.items())
    ]
    engine = Engine(
        adapter(connection, "placement"),
        adapter(connection, "compute"),
        judge_aliases=True,
        aliases=read_nova_conf(confs.api).aliases if confs.api else None,
    )
    plan = engine.plan(configs)
    return {
        "to_write": [
            {
                "provider": step.provider,
                "host": step.host,
                "add": sorted(step.add),
                "remove": sorted(step.remove),
                "why": step.why,
            }
            for step in plan.steps
        ],
        "findings": [
            {
                "kind": finding.kind.value,
                "subject": finding.subject,
                "text": finding.text,
                "where": finding.where,
                "remedy": finding.remedy,
            }
            for finding in plan.findings
        ],
    }


def _preflight(connection: Connection, server: str, known: Inputs | VfioLmError) -> Any:
    from vfio_lm.errors import VfioLmError
    from vfio_lm.preflight import check_with

    if isinstance(known, VfioLmError):
        raise known
    return check_with(connection, server, known).to_dict()


def _redacted(paths: Sequence[str]) -> str:
    from vfio_lm.errors import VfioLmError
    from vfio_lm.pci.conf_text import read_conf_text, refuse_unreadable
    from vfio_lm.pci.redact import redacted

    if not paths:
        raise VfioLmError(inputs.NO_API_CONF)
    for path in paths:
        refuse_unreadable(path)
    return redacted(read_conf_text(paths))
