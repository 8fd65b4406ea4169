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

"""``openstack vfio migration list|show|explain``: what nova recorded of live migrations."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.cells import AliasesColumn, CausesColumn, LinesColumn
from osc_vfio_lm.migration import words
from vfio_lm.text import no_such_host

if TYPE_CHECKING:
    from vfio_lm.cloud.model import Amount, Migration, Server
    from vfio_lm.cloud.nova import MigrationClient
    from vfio_lm.migration import Cause, Explanation
    from vfio_lm.preflight import Report

_UNKNOWN = 3

#: What nova calls the states of a live migration: ``migration.status`` in nova/compute/manager.py,
#: nova/conductor/manager.py and nova/conductor/tasks/live_migrate.py (nova 34.0.0).
STATUSES = (
    "accepted",
    "queued",
    "preparing",
    "running",
    "post-migrating",
    "completed",
    "cancelled",
    "failed",
    "error",
)

_OF_OURS = "of a server that asks for PCI devices by alias"


class ListMigration(command.Lister):
    _description = """\
List live migrations of servers that hold PCI devices by alias

The newest come first. Migrations of deleted servers are not listed: nova does not show which
devices they had."""

    exit_statuses = ((0, "the migrations are listed, also if there is none"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--server", metavar="<server>", help="Filter migrations by server (name or ID)"
        )
        parser.add_argument(
            "--host", metavar="<host>", help="Filter migrations by source or destination host"
        )
        parser.add_argument(
            "--status",
            metavar="<status>",
            type=str.lower,
            choices=STATUSES,
            help=f"Filter migrations by status: {', '.join(STATUSES)}",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        columns = (
            "ID",
            "UUID",
            "Source Compute",
            "Dest Compute",
            "Status",
            "Server UUID",
            "Server Name",
            "Aliases",
            "Created At",
            "Updated At",
        )
        rows = tuple(self._rows(parsed_args))
        if not rows:
            self._refuse_unknown_host(parsed_args.host)
        wanted = (
            f"with status {parsed_args.status}" if parsed_args.status else "",
            f"from or to {parsed_args.host}" if parsed_args.host else "",
        )
        self.nothing = " ".join(
            filter(None, ("nova has no record of a live migration", *wanted, _OF_OURS))
        )
        return columns, rows

    def _refuse_unknown_host(self, host: str | None) -> None:
        """Refuse a host that nova does not know; one that is gone may have records.

        :raises NotFoundError: with the hosts that there are
        """
        from vfio_lm.errors import NotFoundError

        if host is None:
            return
        hosts = _nova(self.app).services()
        if host not in hosts:
            raise NotFoundError(no_such_host(host, hosts))

    def _rows(self, parsed_args: argparse.Namespace) -> Iterator[Sequence[Any]]:
        nova = _nova(self.app)
        if parsed_args.server is not None:
            server = nova.server(parsed_args.server)
            servers = {server.id: (server, _aliases(server))}
        else:
            known = ((server, _aliases_or_none(server)) for server in nova.servers())
            servers = {server.id: (server, aliases) for server, aliases in known if aliases}
        migrations = nova.migrations(
            server_id=server.id if parsed_args.server is not None else None,
            host=parsed_args.host,
            status=parsed_args.status,
        )
        for migration in migrations:
            if migration.server_id in servers:
                yield _row(migration, *servers[migration.server_id])


class ShowMigration(command.ShowOne):
    _description = """\
Show a live migration of a server that holds PCI devices by alias

Without <migration> it is the last one. How much is copied is only known while it is in
progress."""

    exit_statuses = ((0, "the migration is shown"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_arguments(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.migration import find_migration

        nova = _nova(self.app)
        server = nova.server(parsed_args.server)
        aliases = _aliases(server)
        migration = find_migration(nova, server.id, parsed_args.migration)
        progress = nova.in_progress(server.id)
        memory = disk = None
        if progress is not None and progress.migration.id == migration.id:
            migration, memory, disk = progress.migration, progress.memory, progress.disk
        fields = {
            "id": migration.id,
            "uuid": migration.uuid,
            "server_id": server.id,
            "server_name": server.name,
            "aliases": AliasesColumn(aliases),
            "status": migration.status,
            "source": migration.source,
            "destination": migration.destination or None,
            **_bytes("memory", memory),
            **_bytes("disk", disk),
            "created_at": migration.created_at.isoformat(),
            "updated_at": migration.updated_at.isoformat() if migration.updated_at else None,
        }
        return tuple(fields), tuple(fields.values())


class ExplainMigration(command.ShowOne):
    _description = """\
Explain why a live migration of a server with VFIO devices failed

Looks at nova's record, at the events with their details, and at the preflight of today, and names
the causes that fit, the most certain first:

  certain   the platform says so itself, about this very migration
  likely    everything that was seen fits, and nothing better is known
  possible  it would explain what was seen, and so would other things

What libvirt and QEMU say is in no API, only in the log of nova-compute on the source and in
QEMU's log of the server; copy such files here and name them with --from-log."""

    exit_statuses = (
        (0, "a cause is known, or nothing failed"),
        (_UNKNOWN, "no cause is known"),
    )

    _page: Iterable[str] = ()
    """The explanation for people to read."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_arguments(parser)
        parser.add_argument(
            "--host",
            metavar="<hostname>",
            help="Destination that was named for the live migration, which nova does not record",
        )
        # Not --log: the shell takes that for its own --log-file, abbreviated.
        parser.add_argument(
            "--from-log",
            metavar="<file>",
            action="append",
            default=[],
            help="Log of nova-compute, nova-conductor, or QEMU (repeat option to read several)",
        )
        inputs.add_preflight_inputs(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from osc_vfio_lm.migration import explanation_text
        from vfio_lm.migration import Result, collect_attempt, explain, find_migration

        nova = _nova(self.app)
        server = nova.server(parsed_args.server)
        migration = find_migration(nova, server.id, parsed_args.migration)
        report = None if migration.is_completed else self._report(server, parsed_args)
        attempt = collect_attempt(nova, migration, logs=parsed_args.from_log, report=report)
        explanation = explain(attempt)
        if explanation.result is Result.FAILED and not explanation.causes:
            self.status = _UNKNOWN
        self._page = explanation_text.page(server, explanation)
        fields = _explained(server, explanation)
        return tuple(fields), tuple(fields.values())

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]
    ) -> int:
        if parsed_args.formatter == "table" and not parsed_args.columns:
            self.write(self._page)
            return 0
        return super().produce_output(parsed_args, column_names, data)

    def _report(self, server: Server, parsed_args: argparse.Namespace) -> Report | None:
        """Run the preflight of today; what happened is shown even without one."""
        from vfio_lm.errors import CloudError, NotFoundError
        from vfio_lm.preflight import check_with

        known = inputs.read_preflight_inputs(parsed_args)
        connection = self.app.client_manager.sdk_connection
        try:
            return check_with(connection, server.id, known, host=parsed_args.host)
        except NotFoundError:
            raise
        except CloudError as exc:
            self.say(f"There is no preflight of today: {exc}")
            return None


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("server", metavar="<server>", help="Server (name or ID)")
    parser.add_argument(
        "migration",
        metavar="<migration>",
        nargs="?",
        help="Migration (ID or UUID) (default: the last one)",
    )


def _nova(app: Any) -> MigrationClient:
    from vfio_lm.cloud.nova import MigrationClient

    nova = MigrationClient.of(app.client_manager.sdk_connection)
    nova.max_microversion()  # one that is too old says so itself
    return nova


def _aliases(server: Server) -> Mapping[str, int]:
    """Return how many devices of each alias a server holds.

    :raises osc_lib.exceptions.CommandError: if it holds none
    """
    aliases = _aliases_or_none(server)
    if aliases is None:
        raise exceptions.CommandError(
            f"{words.named(server)} holds no PCI device by alias: use 'openstack "
            f"server migration list --server {server.id}'"
        )
    return aliases


def _aliases_or_none(server: Server) -> Mapping[str, int] | None:
    from vfio_lm.pci import parse_alias_requests

    counts: dict[str, int] = {}
    for request in parse_alias_requests(server.flavor.extra_specs):
        counts[request.alias] = counts.get(request.alias, 0) + request.count
    return counts or None


def _row(migration: Migration, server: Server, aliases: Mapping[str, int]) -> Sequence[Any]:
    return (
        migration.id,
        migration.uuid,
        migration.source,
        migration.destination or None,
        migration.status,
        server.id,
        server.name,
        AliasesColumn(aliases),
        migration.created_at.isoformat(),
        migration.updated_at.isoformat() if migration.updated_at else None,
    )


def _bytes(kind: str, amount: Amount | None) -> dict[str, int | None]:
    return {
        f"{kind}_total_bytes": amount.total if amount else None,
        f"{kind}_processed_bytes": amount.processed if amount else None,
        f"{kind}_remaining_bytes": amount.remaining if amount else None,
    }


def _explained(server: Server, explanation: Explanation) -> dict[str, Any]:
    from osc_vfio_lm.migration.explanation_text import event_line
    from vfio_lm.preflight.wording.way_back import way_back

    migration = explanation.attempt.migration
    best = explanation.causes[0] if explanation.causes else None
    return {
        "server_id": server.id,
        "server_name": server.name,
        "migration_id": migration.id,
        "status": migration.status,
        "source": migration.source,
        "destination": migration.destination or None,
        "result": explanation.result.value,
        "failed_events": LinesColumn([event_line(event) for event in explanation.failed_events]),
        "cause": best.sentence if best else None,
        "certainty": best.certainty.value if best else None,
        "evidence": LinesColumn(best.evidence if best else explanation.errors),
        "check": best.check or None if best else None,
        "remedy": best.remedy if best else None,
        "other_causes": CausesColumn([_other(cause) for cause in explanation.causes[1:]]),
        "next_step": explanation.next_step or None,
        "way_back": way_back(server, migration) if server.vm_state == "error" else None,
    }


def _other(cause: Cause) -> dict[str, Any]:
    return {
        "certainty": cause.certainty.value,
        "cause": cause.sentence,
        "evidence": list(cause.evidence),
        "remedy": cause.remedy,
    }
