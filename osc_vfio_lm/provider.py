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

"""``openstack vfio provider …``: the traits of hosts and devices in placement, from nova.conf."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from vfio_lm.text import counted, no_such

if TYPE_CHECKING:
    from cliff import columns as cliff_columns

    from placement_sync.engine.finding import AuditFinding
    from placement_sync.engine.plan import FlavorStep, Plan, Step
    from placement_sync.engine.round import Engine
    from vfio_lm.pci.hosts import Host, KnownHosts

_FAILED = 1
_DRIFT = 2

_HOSTS_HELP = """

The nova.conf of at least one host is needed (--nova-conf HOST=FILE or --nova-conf-dir); HOST is
the name of its hypervisor, as in 'openstack hypervisor list'. What the aliases mean is read from
the nova.conf of nova-api where there is one, and else from what the files of the hosts agree on.

What a host has is read from its facts where they are given (vfio-lm-host probe), else from the
PCI providers that its nova-compute reports, and else from [pci]device_spec of its nova.conf alone.
Nothing is touched of a host whose files are not given, or cannot be read."""


class SyncProvider(command.Lister):
    _description = f"""\
Write the traits of hosts and devices that nova does not keep itself

Brings the root provider of each host to what its nova.conf says:

  HW_PCI_LIVE_MIGRATABLE          it has a device declared live_migratable yes
  CUSTOM_PCI_NOT_LIVE_MIGRATABLE  it has a device declared live_migratable no
  CUSTOM_VFIO_DRIVER_<driver>     live migratable devices are bound to this driver (--host-facts)

Providers of PCI devices that nova does not own get the same traits. Other traits stay, and nova's
own PCI providers are never written: see 'openstack vfio provider audit' for what to do about them.

Shows what was written. A second run has nothing to do.{_HOSTS_HELP}"""

    exit_statuses = ((0, "all is written, or with --dry-run would be; also if there is nothing"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_host_options(parser)
        parser.add_argument(
            "--manage-flavors",
            action="store_true",
            help="Also let flavors ask for the hosts that their aliases need: set "
            "trait:HW_PCI_LIVE_MIGRATABLE or trait:CUSTOM_PCI_NOT_LIVE_MIGRATABLE where neither "
            "is set. Extra specs that are there are never changed",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Print what would be written, and write nothing",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        configs = _read_hosts(parsed_args)
        engine = _engine(self, parsed_args, configs, manage_flavors=parsed_args.manage_flavors)
        result = engine.run_round(configs.hosts, dry_run=parsed_args.dry_run)
        plan = result.plan
        shown: Iterable[Step | FlavorStep] = result.written
        if parsed_args.dry_run:
            shown = (*plan.steps, *plan.flavor_steps)
        for error in (*configs.errors, *result.errors):
            self.log.error("%s", error)
        has_failed = bool(configs.errors) or not result.is_complete
        if has_failed:
            self.status = _FAILED
        elif plan.is_empty:
            self.nothing = f"nothing to do, of {counted(plan.providers, 'provider')}"
        if count := sum(finding.kind.is_drift for finding in plan.findings):
            self.log.warning(
                "%s not mended here: see 'openstack vfio provider audit' with the same options",
                counted(count, "finding that is", "findings that are"),
            )
        columns = ("Host", "Subject", "Add", "Remove", "Durable", "Why")
        return columns, tuple(map(_step_row, shown))


class AuditProvider(command.Lister):
    _description = f"""\
List where placement and flavors differ from what nova.conf says

Each finding is one of these, and is drift unless it says otherwise:

  missing, extra           a provider lacks a trait, or has one too many
  contested                (only in the agent's log) another writer keeps changing it back
  undecided                not enough is known of what a host has; no drift
  driver cannot migrate    a device is declared live_migratable yes, its driver cannot do it
  provider without device  a PCI provider that no device stands behind
  device without provider  a device that nova-compute should report and does not
  host without provider    placement has no root provider with the name of the host
  provider without host    nova has no hypervisor for PCI providers (not with --host)
  consumer without server  it holds devices, and nova does not know it (not with --host)
  alias without provider   no host has a device for the alias (with --nova-conf-dir of all hosts)
  alias without trait      placement offers more devices to the alias than fit; no drift
  flavor disagrees         it asks for other hosts than its aliases need
  flavor without host      no host would be left for it

Durable says whether a trait stays once it is written: 'yes' is what 'openstack vfio provider sync'
mends; 'no' belongs to nova, and the remedy names the host and the line to change.{_HOSTS_HELP}"""

    exit_statuses = ((0, "no drift"), (_DRIFT, "drift"))

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_host_options(parser)
        parser.add_argument(
            "--manage-flavors",
            action="store_true",
            help="Also list flavors that do not ask for the hosts that their aliases need",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        configs = _read_hosts(parsed_args)
        if configs.errors:
            # Half an audit would look like a whole one.
            raise exceptions.CommandError("\n".join(map(str, configs.errors)))
        engine = _engine(
            self,
            parsed_args,
            configs,
            manage_flavors=parsed_args.manage_flavors,
            judge_aliases=True,
        )
        plan = engine.plan(configs.hosts)
        strays = () if parsed_args.hosts else self._strays()
        if plan.has_drift or strays:
            self.status = _DRIFT
        self.nothing = (
            f"no drift: {counted(len(configs.hosts), 'host')} and "
            f"{counted(plan.providers, 'provider')} are as nova.conf says"
        )
        columns = ("Drift", "Subject", "Detail", "Durable", "Where", "Remedy")
        return columns, (*_audit_rows(plan, configs.hosts), *map(_finding_row, strays))

    def _strays(self) -> tuple[AuditFinding, ...]:
        """Return what is left in placement of hosts and servers that nova does not have."""
        from placement_sync.engine.audit import consumers_without_server, providers_without_host
        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import collect_devices, collect_strays

        cloud = WholeCloud(self.app.client_manager.sdk_connection)
        devices = collect_devices(cloud)
        return (
            *providers_without_host(devices),
            *consumers_without_server(collect_strays(cloud, devices)),
        )


def _add_host_options(parser: argparse.ArgumentParser) -> None:
    inputs.add_confs(parser)
    inputs.add_host_facts(parser)
    parser.add_argument(
        "--host",
        metavar="<hostname>",
        action="append",
        default=[],
        dest="hosts",
        help="Look at this host only, of those whose files are given (repeat option for other "
        "hosts)",
    )


def _read_hosts(parsed_args: argparse.Namespace) -> KnownHosts:
    """Return the hosts that were asked for, with what is wrong with their files.

    :raises osc_lib.exceptions.CommandError: if there is no file of a host that was asked for
    """
    from vfio_lm.pci.hosts import read_hypervisors

    confs = inputs.conf_paths(parsed_args)
    if not confs.hosts:
        raise exceptions.CommandError(
            "the nova.conf of no compute host is given: name it with --nova-conf HOST=FILE, or "
            "those of many hosts with --nova-conf-dir"
        )
    names: list[str] = parsed_args.hosts
    for name in names:
        if name not in confs.hosts:
            raise exceptions.CommandError(
                no_such("host whose nova.conf is given", name, confs.hosts)
            )
    wanted = {host: paths for host, paths in confs.hosts.items() if not names or host in names}
    return read_hypervisors(wanted, parsed_args.host_facts)


def _engine(
    this: command.Command,
    parsed_args: argparse.Namespace,
    configs: KnownHosts,
    *,
    manage_flavors: bool,
    judge_aliases: bool = False,
) -> Engine:
    from placement_sync.engine.round import Engine
    from vfio_lm.cloud.http.catalogue import adapter
    from vfio_lm.pci import read_nova_conf

    connection = this.app.client_manager.sdk_connection
    looks_at_flavors = manage_flavors or judge_aliases
    paths = inputs.conf_paths(parsed_args).api
    aliases = read_nova_conf(paths).aliases if paths else None
    is_whole_cloud = bool(parsed_args.nova_conf_dir) and not (parsed_args.hosts or configs.errors)
    return Engine(
        adapter(connection, "placement"),
        adapter(connection, "compute") if looks_at_flavors else None,
        manage_flavors=manage_flavors,
        judge_aliases=judge_aliases,
        aliases=aliases,
        is_whole_cloud=is_whole_cloud,
    )


def _step_row(step: Step | FlavorStep) -> tuple[Any, ...]:
    from placement_sync.engine.plan import FlavorStep

    if isinstance(step, FlavorStep):
        added = [f"{key}={value}" for key, value in sorted(step.set.items())]
        return (None, f"flavor {step.flavor.name}", _words(added), _words(()), "yes", step.why)
    return (
        step.host,
        step.provider,
        _words(sorted(step.add)),
        _words(sorted(step.remove)),
        step.durability.value,
        step.why,
    )


def _audit_rows(plan: Plan, hosts: Iterable[Host]) -> Iterable[tuple[Any, ...]]:
    locations = {host.hypervisor_hostname: host.location for host in hosts}
    for step in plan.steps:
        for drift, traits in (("missing", step.add), ("extra", step.remove)):
            for trait in sorted(traits):
                where = locations.get(step.host)
                detail = f"{trait}: {step.reasons[trait]}"
                durable = step.durability.value
                yield (drift, step.provider, detail, durable, where, _SYNC)
    for item in plan.flavor_steps:
        for key, value in sorted(item.set.items()):
            subject = f"flavor {item.flavor.name}"
            detail = f"{key}={value}: {item.why}"
            yield ("missing", subject, detail, "yes", None, f"{_SYNC} --manage-flavors")
    yield from map(_finding_row, plan.findings)


_SYNC = "openstack vfio provider sync"


def _finding_row(finding: AuditFinding) -> tuple[Any, ...]:
    from placement_sync.engine.finding import Kind

    durable = "no" if finding.kind in (Kind.MISSING, Kind.EXTRA) else None
    return (
        finding.kind.value,
        finding.subject,
        finding.text,
        durable,
        finding.where or None,
        finding.remedy or None,
    )


def _words(words: Sequence[str]) -> cliff_columns.FormattableColumn[Any]:
    from osc_lib.cli import format_columns

    column: cliff_columns.FormattableColumn[Any] = format_columns.ListColumn(list(words))
    return column
