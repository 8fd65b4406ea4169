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

"""``openstack vfio host …``: what concerns all servers with PCI devices of one host."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.cells import DevicesColumn
from osc_vfio_lm.migration import words
from vfio_lm.text import counted, whole_number

if TYPE_CHECKING:
    from vfio_lm.drain import Drain, HostDrain, Line

_COLUMNS = ("Order", "ID", "Name", "State", "Destination", "Devices", "Reason", "Remedy")

#: Sentences stand below a table, not in it.
_NOT_IN_TABLE = ("Reason", "Remedy")

_SOME_STAY = 2
_UNKNOWN = 3
_INTERRUPTED = 130

_DEFAULT_REASON = "drained with 'openstack vfio host drain'"


class DrainHost(command.Lister):
    _description = """\
Move all servers with VFIO devices from a host

Says which servers with PCI devices can leave the host at once, where each goes so that all fit
(devices, memory, CPU, disk, server groups), in which order, and which cannot, and why. No other
plan moves more servers. Each server is looked at as 'openstack vfio migration check' does. Nothing
is changed without --execute.

The state of a server is one of
  can leave  it is ready to live migrate, and fits beside all others that can
  stays      it cannot live migrate, or there is no room for it beside the others
  unknown    nothing is in the way as far as can be seen, but an input is missing
  leaving    its live migration is in progress
  left       it has left, and everything is in order at its destination
  failed     its live migration failed, or what was found just before did not allow it

With --execute the servers that can leave are live migrated in that order. Before its turn each is
looked at once more, and afterwards its live migration is verified, see 'openstack vfio migration
start'. The first failure ends it, unless --keep-going is given. Ctrl-C lets no other live migration
begin and waits for those in progress; a second Ctrl-C leaves them to nova. Nothing is kept: run the
command again at any time, even after it was killed: it follows what is in progress, and makes a
new plan for the servers that are still there.

Servers without PCI devices are only counted: 'openstack server migrate --live-migration' moves
them, and nova chooses where they go. Room for them is not kept free, so move those that matter
first.

The formats dot and mermaid draw the plan, for Graphviz and for mermaid."""

    exit_statuses = (
        (0, "all servers with PCI devices can leave, or have left; or there is none"),
        (_SOME_STAY, "a server stays or has failed"),
        (_UNKNOWN, "unknown for one, or unknown which servers have ports with a device"),
    )

    _drain: Drain
    _was_interrupted = False

    @property
    def formatter_namespace(self) -> str:
        return "osc_vfio_lm.drain_formatter"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="<host>", help="Host to drain")
        parser.add_argument(
            "--execute", action="store_true", help="Live migrate the servers that can leave"
        )
        parser.add_argument(
            "--parallel",
            metavar="<number>",
            type=_number,
            default=1,
            help="With --execute, live migrations that may be in progress at once; never two to "
            "one destination or of one server group, and nova queues what exceeds its "
            "[DEFAULT]max_concurrent_live_migrations (default: 1)",
        )
        parser.add_argument(
            "--keep-going",
            action="store_true",
            help="With --execute, go on with the other servers after one has failed",
        )
        parser.add_argument(
            "--disable",
            action="store_true",
            help="With --execute, disable the compute service of the host first, so that nova puts "
            "no server there; it stays disabled",
        )
        parser.add_argument(
            "--disable-reason",
            metavar="<reason>",
            help=f"With --disable, the reason (default: {_DEFAULT_REASON})",
        )
        inputs.add_preflight_inputs(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.drain import HostDrain

        _refuse_nonsense(parsed_args)
        drain = HostDrain(
            self.app.client_manager.sdk_connection,
            parsed_args.host,
            lambda: inputs.read_preflight_inputs(parsed_args),
        )
        self._drain = self._execute(drain, parsed_args) if parsed_args.execute else drain.plan()
        self.status = self._status(parsed_args.execute)
        return _COLUMNS, tuple(_row(line) for line in self._drain.lines)

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        if parsed_args.formatter != "table":
            if parsed_args.formatter in ("dot", "mermaid"):
                parsed_args.columns = []
            status = super().produce_output(parsed_args, column_names, data)
            if not self._drain.lines:
                self.say(self._headline(parsed_args.execute), *_others(self._drain))
            return status
        if not parsed_args.columns:
            parsed_args.columns = [name for name in column_names if name not in _NOT_IN_TABLE]
        self.write([self._headline(parsed_args.execute)])
        if self._drain.lines:
            super().produce_output(parsed_args, column_names, data)
        self.write(_reasons(self._drain.lines))
        self.write(_notes(self._drain))
        return 0

    def _execute(self, drain: HostDrain, parsed_args: argparse.Namespace) -> Drain:
        from osc_vfio_lm.drain.teller import DrainTeller
        from vfio_lm.cloud.nova import MigrationClient
        from vfio_lm.drain import State

        reason = parsed_args.disable_reason or _DEFAULT_REASON
        nova = MigrationClient.of(self.app.client_manager.sdk_connection)
        with DrainTeller(self.app, nova) as teller:
            done = drain.execute(
                teller,
                parallel=parsed_args.parallel,
                keep_going=parsed_args.keep_going,
                disabled_reason=reason if parsed_args.disable else None,
            )
        self._was_interrupted = teller.wants_stop
        for line in done.lines:
            if line.state is State.LEAVING:
                self.say(f"{line.name} is left to nova.", *words.how_to_watch(line.server_id))
        return done

    def _headline(self, is_executed: bool) -> str:
        from vfio_lm.drain import State

        if not self._drain.lines:
            return f"No server with PCI devices is on {self._drain.host}"
        states = [line.state for line in self._drain.lines]
        good = (State.LEFT,) if is_executed else (State.CAN_LEAVE, State.LEAVING)
        verb = "have left" if is_executed else "can leave"
        number = sum(state in good for state in states)
        servers = counted(len(states), "server")
        return f"{number} of {servers} with PCI devices {verb} {self._drain.host}"

    def _status(self, is_executed: bool) -> int:
        from vfio_lm.drain import State

        states = {line.state for line in self._drain.lines}
        if self._drain.others and not self._drain.others_are_known:
            states.add(State.UNKNOWN)
        good = {State.LEFT} if is_executed else {State.CAN_LEAVE, State.LEAVING}
        if states <= good:
            return 0
        if self._was_interrupted:
            return _INTERRUPTED
        return _UNKNOWN if states - good <= {State.UNKNOWN, State.LEAVING} else _SOME_STAY


def _number(text: str) -> int:
    number = whole_number(text)
    if not number:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return number


def _refuse_nonsense(parsed_args: argparse.Namespace) -> None:
    if parsed_args.disable_reason is not None and not parsed_args.disable:
        raise exceptions.CommandError("--disable-reason is only allowed with --disable")
    if parsed_args.execute:
        return
    for option, value in (
        ("--disable", parsed_args.disable),
        ("--keep-going", parsed_args.keep_going),
        ("--parallel", parsed_args.parallel != 1),
    ):
        if value:
            raise exceptions.CommandError(f"{option} is only allowed with --execute")


def _row(line: Line) -> tuple[Any, ...]:
    return (
        line.order,
        line.server_id,
        line.name,
        line.state.value,
        line.destination or None,
        DevicesColumn(dict(line.devices)),
        line.reason or None,
        line.remedy or None,
    )


def _reasons(lines: Iterable[Line]) -> Iterator[str]:
    """Yield why servers are not on their way, the same reason only once."""
    alike: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line.reason:
            alike.setdefault((line.reason, line.remedy), []).append(line.name)
    for (reason, remedy), names in alike.items():
        yield ""
        yield f"{', '.join(names)}: {reason}"
        yield from (f"  {step}" for step in remedy.splitlines())


def _notes(drain: Drain) -> Iterator[str]:
    if drain.arriving:
        yield ""
        yield f"On their way to {drain.host}: {', '.join(drain.arriving)}"
    if drain.others:
        yield ""
        yield from _others(drain)
    if drain.is_enabled:
        yield ""
        yield (
            f"Nova may put new servers on {drain.host}; --disable with --execute prevents that, or:"
        )
        yield f"  openstack compute service set --disable {drain.host} nova-compute"


def _others(drain: Drain) -> Iterator[str]:
    """Yield what stays on the host because a drain is not about it."""
    if not drain.others:
        return
    verb = "is" if drain.others == 1 else "are"
    yield (
        f"{counted(drain.others, 'server')} without PCI devices {verb} on {drain.host}; nova "
        f"chooses where to move them:"
    )
    yield f"  openstack server list --all-projects --host {drain.host}"
    yield "  openstack server migrate --live-migration <server>"
    if not drain.others_are_known:
        yield "Neutron does not show whether one of them holds a PCI device by a port."
