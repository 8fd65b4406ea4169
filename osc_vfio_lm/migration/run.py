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

"""``openstack vfio migration start|abort``: a live migration from the preflight to the proof."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.cells import VerificationColumn
from osc_vfio_lm.interrupts import Interrupts
from osc_vfio_lm.migration import preflight_option, words
from osc_vfio_lm.migration.words import named
from osc_vfio_lm.pace_line import PaceLine
from vfio_lm.command_line import seconds

if TYPE_CHECKING:
    from vfio_lm.cloud.model import Migration, Server
    from vfio_lm.cloud.nova import MigrationClient
    from vfio_lm.migration import ArrivalCheck, End

_FAILED = 2
_UNKNOWN = 3
_INTERRUPTED = 130


class StartMigration(command.ShowOne):
    _description = """\
Live migrate a server with VFIO devices, and see that it arrives

First comes the preflight of 'openstack vfio migration check'; where it finds the server blocked,
nova is not asked, and neither where it is unknown and nova's refusal could leave the server in
ERROR. Without --host nova chooses the destination; if it might choose one that is not ready, one
that is ready is named.

With --wait, the progress is shown on standard error until the live migration is over on both
hosts, and then it is verified: the server is there, its allocations are only there, and each of
its devices is declared live migratable, where placement knows devices.
Where it fails, the step that failed is named with the most likely cause.

The live migration is nova's and goes on whatever becomes of this command: Ctrl-C only ends the
waiting, and a second start says what is in progress. Without --wait there is no destination, no
migration_id and no verification yet: these are null in json and yaml."""

    exit_statuses = (
        (0, "the server has moved and that is verified; without --wait: nova accepted"),
        (_FAILED, "it is blocked, has failed, or another one is in progress"),
        (_UNKNOWN, "the end was not seen or not verified, or nova was not asked: see above"),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Server to migrate (name or ID)")
        parser.add_argument(
            "--host",
            metavar="<hostname>",
            help="Migrate the server to the specified host (default: the scheduler chooses)",
        )
        parser.add_argument(
            "--wait", action="store_true", help="Wait for the live migration, and verify it"
        )
        parser.add_argument(
            "--timeout",
            metavar="<seconds>",
            type=seconds,
            help="With --wait, how long to wait; the live migration goes on afterwards "
            "(default: until it is over)",
        )
        preflight_option.add_option(parser)
        inputs.add_preflight_inputs(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.cloud.nova import MigrationClient

        if parsed_args.timeout is not None and not parsed_args.wait:
            raise exceptions.CommandError("--timeout is only allowed with --wait")
        chosen = preflight_option.mode(parsed_args)
        connection = self.app.client_manager.sdk_connection
        nova = MigrationClient.of(connection)
        nova.max_microversion()  # one that is too old says so itself
        server = nova.server(parsed_args.server)
        last = nova.newest_migration(server.id)
        self._refuse_second(server, last)
        host = parsed_args.host = self._preflight(chosen, server, parsed_args)
        where = f" to {host}" if host else ""
        self.say(f"Asking nova to live migrate {named(server)} from {server.host}{where}")
        with Interrupts() as interrupts:
            request_id = self._begin(nova, server, host)
            if not parsed_args.wait:
                return _shown(server, None, request_id, None)
            after = last.id if last else 0
            end = self._wait(nova, server, after, parsed_args.timeout, interrupts)
        return self._judge(nova, server, end, request_id, parsed_args)

    def _begin(self, nova: MigrationClient, server: Server, host: str | None) -> str:
        """Ask nova, and say so where it is not known whether it has begun."""
        try:
            return nova.live_migrate(server.id, host)
        except KeyboardInterrupt:
            self.say("Interrupted before nova answered; the live migration may have begun.")
            self.say(*words.how_to_watch(server.id))
            raise command.Ended(_INTERRUPTED) from None

    def _refuse_second(self, server: Server, last: Migration | None) -> None:
        if server.task_state != "migrating" or last is None or not last.is_in_progress:
            return
        where = f" to {last.destination}" if last.destination else ""
        self.say(
            f"A live migration of {named(server)} is in progress already: {last.status} from "
            f"{last.source}{where} since {last.created_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        self.say(*words.how_to_watch(server.id))
        raise command.Ended(_FAILED)

    def _preflight(
        self, chosen: str, server: Server, parsed_args: argparse.Namespace
    ) -> str | None:
        """Run the preflight, and return the host that the request has to name; None: none."""
        from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
        from vfio_lm.preflight import check_with

        asked: str | None = parsed_args.host
        if chosen == "skip":
            return asked
        if ALIAS_EXTRA_SPEC not in server.flavor.extra_specs:
            raise exceptions.CommandError(
                f"{named(server)} holds no PCI device by alias: use 'openstack server migrate "
                f"--live-migration'"
            )
        # Read here, so that a file that cannot be read is an error and no want of knowledge.
        known = inputs.read_preflight_inputs(parsed_args)
        connection = self.app.client_manager.sdk_connection
        permission = preflight_option.permission(
            self.app,
            chosen,
            lambda: check_with(connection, server.id, known, host=asked),
        )
        if not permission.may_begin:
            raise command.Ended(permission.status)
        return permission.host or asked

    def _wait(
        self,
        nova: MigrationClient,
        server: Server,
        after: int,
        timeout: float | None,
        interrupts: Interrupts,
    ) -> End:
        from vfio_lm.errors import CloudError
        from vfio_lm.migration import Follower

        line = PaceLine(self.app.stderr)
        try:
            interrupts.let_through()
            return Follower(nova, lambda pace: line.show({"": pace})).follow(
                server.id, after, timeout
            )
        except KeyboardInterrupt:
            line.end()
            self.say("Not waiting any longer; the live migration goes on.")
            self.say(*words.how_to_watch(server.id))
            raise command.Ended(_INTERRUPTED) from None
        except CloudError as exc:
            line.end()
            self.say(f"The end was not seen: {exc}")
            self.say(*words.how_to_watch(server.id))
            raise command.Ended(_UNKNOWN) from None
        finally:
            line.end()

    def _judge(
        self,
        nova: MigrationClient,
        server: Server,
        end: End,
        request_id: str,
        parsed_args: argparse.Namespace,
    ) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.cloud.placement import PlacementClient
        from vfio_lm.migration import collect_arrival, verify, worst
        from vfio_lm.preflight import Status

        if not end.is_over:
            self.status = _UNKNOWN
            self.say(f"Still in progress after {parsed_args.timeout:.0f} s.")
            self.say(*words.how_to_watch(server.id))
            return _shown(server, end.migration, request_id, None)
        if end.migration is None or not end.migration.is_completed:
            self.status = _FAILED
            self.say(*words.failure(nova, server, end.migration, request_id))
            return _shown(server, end.migration, request_id, None, "failed")
        placement = PlacementClient.of(self.app.client_manager.sdk_connection)
        checks = verify(collect_arrival(nova, placement, end.migration, parsed_args.host))
        statuses = {Status.FAIL: _FAILED, Status.UNKNOWN: _UNKNOWN}
        self.status = statuses.get(worst(checks), 0)
        for each in checks:
            if each.status in statuses:
                self.say(f"Verification: {each.id}: {each.message}")
        return _shown(server, end.migration, request_id, checks)


class AbortMigration(command.Command):
    _description = """\
Abort the live migration of a server that is in progress

The server stays on its source. The migration is found by its server; nova takes the request only
while the migration is queued or running, and 'openstack vfio migration show' says whether it came
in time.

If the migration is already running, nova 32.2.0 and later treat the abort as an error and put the
server into ERROR, although nova rolls back and the guest keeps running on its source. So this
command asks before it aborts a running migration, and prints how to bring the server back."""

    exit_statuses = ((0, "nova has accepted to abort it"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Server (name or ID)")
        parser.add_argument(
            "--yes",
            action="store_true",
            help="Abort a running migration without being asked, even though nova may put the "
            "server into ERROR",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.cloud.nova import MigrationClient

        nova = MigrationClient.of(self.app.client_manager.sdk_connection)
        nova.max_microversion()
        server = nova.server(parsed_args.server)
        progress = nova.in_progress(server.id)
        if progress is None:
            raise exceptions.CommandError(f"no live migration of {named(server)} is in progress")
        # Nova sees to one that has not begun itself, and the server stays ACTIVE.
        is_running = progress.migration.status == "running"
        if is_running and not parsed_args.yes:
            self._ask(server)
        nova.abort(progress.migration)
        if is_running:
            self.say(*words.after_an_abort(server.id))

    def _ask(self, server: Server) -> None:
        """Go on only if the user confirms it, knowing what becomes of the server."""
        self.say(*words.before_an_abort(server))
        if not self.app.stdin.isatty():
            raise exceptions.CommandError("not aborted: confirm it with --yes")
        self.app.stderr.write("Abort it? [y/N] ")
        self.app.stderr.flush()
        if self.app.stdin.readline().strip().lower() not in ("y", "yes"):
            raise exceptions.CommandError("not aborted")


def _shown(
    server: Server,
    migration: Migration | None,
    request_id: str,
    checks: Sequence[ArrivalCheck] | None,
    status: str = "requested",
) -> tuple[Sequence[str], Sequence[Any]]:
    """Return what is known in the end; the keys are the same whatever that is.

    :param checks: None where the arrival was not verified
    :param status: for a live migration of which nova has no record
    """
    verification = None
    if checks is not None:
        verification = VerificationColumn(
            [
                {"check": each.id, "status": each.status.value, "message": each.message}
                for each in checks
            ]
        )
    fields = {
        "server_id": server.id,
        "server_name": server.name,
        "migration_id": migration.id if migration else None,
        "source": server.host or None,
        "destination": (migration.destination or None) if migration else None,
        "status": migration.status if migration else status,
        "request_id": request_id,
        "verification": verification,
    }
    return tuple(fields), tuple(fields.values())
