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

from osc_lib import exceptions

from osc_vfio_lm import command, nova_conf, preflight_inputs

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


class CreateReport(command.ShowOne):
    _description = """\
Collect what helps to find out why live migration does not work, in one file

The file is a compressed tar archive that only its owner may read. It has

  versions.json            of the packages here, and of nova's API
  hosts.json               each compute host: whether it is up, its hypervisor
  devices.json             PCI devices in placement, free and used
  audit.json               what 'openstack vfio provider audit' finds, of hosts with --nova-conf
  preflight/<server>.json  what 'openstack vfio migration check' says of each --server
  nova-conf/<host>.conf    options of nova.conf that bear on live migration
  host-facts/<host>.json   what 'vfio-lm-host probe' wrote
  manifest.json            which of these are there, and why one is not

No password is in it: of a nova.conf only options from a list are taken, all others are left out.
Names of hosts, servers and devices are in it. Nothing is changed in the cloud."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--server",
            metavar="<server>",
            action="append",
            default=[],
            dest="servers",
            help="Server whose preflight shall be in the report (name or ID, repeat option for "
            "other servers)",
        )
        preflight_inputs.add_options(parser)
        parser.add_argument(
            "--output",
            metavar="<file>",
            help="File to write, which must not exist (default: vfio-report-<time>.tar.gz here)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from osc_lib.cli import format_columns

        from osc_vfio_lm import bundle
        from vfio_lm.errors import VfioLmError

        now = datetime.datetime.now(datetime.UTC)
        path = parsed_args.output or f"vfio-report-{now:%Y%m%dT%H%M%SZ}.tar.gz"
        parts = tuple(self._parts(parsed_args))
        try:
            bundle.write_bundle(path, parts, now.timestamp())
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        missing = [f"{part.name}: {part.error}" for part in parts if part.error]
        return ("file", "parts", "missing"), (
            path,
            format_columns.ListColumn([part.name for part in parts if not part.error]),
            format_columns.ListColumn(missing),
        )

    def _parts(self, parsed_args: argparse.Namespace) -> Iterator[Part]:
        from osc_vfio_lm.bundle import part
        from vfio_lm.errors import VfioLmError

        # A file that nova would refuse may be the very reason for the report.
        inputs: Inputs | VfioLmError
        try:
            inputs = preflight_inputs.read(parsed_args)
        except VfioLmError as exc:
            inputs = exc
        connection = self.app.client_manager.sdk_connection
        of_the_cloud: dict[str, Callable[[Connection], Any]] = {
            "versions.json": _versions,
            "hosts.json": _hosts,
            "devices.json": _devices,
        }
        for name, collect in of_the_cloud.items():
            yield part(name, functools.partial(collect, connection))
        labelled = [nova_conf.split_label(path) for path in nova_conf.paths(parsed_args)]
        files: dict[str | None, list[str]] = {}
        for host, file in labelled:
            files.setdefault(host, []).append(file)
        hosts = {host: paths for host, paths in files.items() if host is not None}
        if hosts:
            of_api = files.get(None, [])
            yield part("audit.json", functools.partial(_audit, connection, hosts, of_api))
        for server in parsed_args.servers:
            yield part(
                f"preflight/{_as_name(server)}.json",
                functools.partial(_preflight, connection, server, inputs),
            )
        for host, paths in files.items():
            name = f"nova-conf/{_as_name(host or 'api')}.conf"
            yield part(name, functools.partial(_redacted, paths))
        if isinstance(inputs, VfioLmError):
            return
        for host, known in inputs.hosts.items():
            if known.facts is not None:
                yield part(f"host-facts/{_as_name(host)}.json", known.facts.to_json)


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
    microversion = ComputeClient(connection.compute).max_microversion()
    return {
        "packages": installed,
        "python": platform.python_version(),
        "nova_microversion": ".".join(map(str, microversion)),
    }


def _hosts(connection: Connection) -> Any:
    from vfio_lm.cloud.nova import ComputeClient

    nova = ComputeClient(connection.compute)
    nodes = nova.nodes()
    hosts = {}
    for host, service in nova.services().items():
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
    from vfio_lm.inventory import DeviceFilter, collect_devices

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
        for device in collect_devices(connection, DeviceFilter())
    ]


def _audit(connection: Connection, hosts: dict[str, list[str]], of_api: Sequence[str]) -> Any:
    from placement_sync.engine.round import Engine
    from vfio_lm.pci import read_nova_conf
    from vfio_lm.pci.hosts import read_own_host

    configs = [
        read_own_host(paths, hypervisor_hostname=host) for host, paths in sorted(hosts.items())
    ]
    engine = Engine(
        connection.placement,
        connection.compute,
        judge_aliases=True,
        aliases=read_nova_conf(of_api).aliases if of_api else None,
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


def _preflight(connection: Connection, server: str, inputs: Inputs | VfioLmError) -> Any:
    from vfio_lm.errors import VfioLmError
    from vfio_lm.preflight import check_with

    if isinstance(inputs, VfioLmError):
        raise inputs
    return check_with(connection, server, inputs).to_dict()


def _redacted(paths: Sequence[str]) -> str:
    from vfio_lm.pci.conf_text import read_conf_text
    from vfio_lm.pci.redact import redacted

    return redacted(read_conf_text(paths))
