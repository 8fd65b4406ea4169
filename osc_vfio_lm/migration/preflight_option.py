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

"""The option ``--vfio-preflight``, and what commands do with it before a live migration."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm.command import say
from vfio_lm.text import listed

if TYPE_CHECKING:
    from vfio_lm.preflight import Report

#: The values of vfio_lm.migration.Mode, which is not imported for the sake of --help, and that none
#: is wanted.
MODES = ("enforce", "warn", "skip")

BLOCKED = 2
"""The exit status of a command that the preflight stops."""

UNKNOWN = 3
"""The same, where it is not known whether nova would put the server into ERROR."""

_ANYWAY = "To ask it anyway: --vfio-preflight warn"

NOT_DONE = "The preflight could not be done, so nova decides alone"

_ENVIRONMENT_VARIABLE = "OS_VFIO_PREFLIGHT"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--vfio-preflight",
        choices=MODES,
        help="What to do before a live migration of a server that holds PCI devices by alias: "
        "enforce stops it if it is certain to fail, or if it is not known and might put the "
        "server into ERROR, and warns of other things that are not known; warn only warns; skip "
        "does not look "
        f"(default: env[{_ENVIRONMENT_VARIABLE}], or enforce)",
    )


def mode(parsed_args: argparse.Namespace) -> str:
    """Return the mode that was chosen.

    :raises osc_lib.exceptions.CommandError: if the environment holds another word
    """
    chosen = parsed_args.vfio_preflight or os.environ.get(_ENVIRONMENT_VARIABLE) or MODES[0]
    if chosen not in MODES:
        raise exceptions.CommandError(
            f"environment variable {_ENVIRONMENT_VARIABLE}: '{chosen}' is not one of "
            f"{', '.join(MODES)}"
        )
    return str(chosen)


@dataclasses.dataclass(frozen=True)
class Permission:
    """What a preflight says to a live migration that is about to begin."""

    status: int = 0
    """The exit status of a command that must not begin it; 0: it may."""
    host: str | None = None
    """The destination that the request has to name, where the user named none."""

    @property
    def may_begin(self) -> bool:
        """Whether the live migration may begin."""
        return self.status == 0


def permission(app: Any, chosen: str, give: Callable[[], Report]) -> Permission:
    """Run a preflight, and report on standard error what is in the way.

    A preflight that cannot be done, for want of a role for instance, is no reason to stop what
    nova might allow.

    :param give: runs the preflight
    :raises vfio_lm.errors.NotFoundError: if there is no such server or destination
    """
    from vfio_lm.errors import NotFoundError, VfioLmError
    from vfio_lm.migration import GateDecision, Mode, decide
    from vfio_lm.preflight import Verdict

    try:
        report = give()
    except NotFoundError:
        raise
    except VfioLmError as exc:
        say(app, [f"{NOT_DONE}: {exc}"])
        return Permission()
    decision = decide(Mode(chosen), report)
    if decision is GateDecision.GO:
        return _going(app, report)
    say(app, _lines(app, report))
    if decision is GateDecision.TELL_AND_GO:
        say(app, ["", "Asking nova anyway."])
        return Permission()
    if report.verdict is Verdict.BLOCKED:
        say(app, ["", f"Nova was not asked. {_ANYWAY}"])
        return Permission(BLOCKED)
    say(
        app,
        [
            "",
            "Nova was not asked: where it refuses this, it may put the running server into ERROR. "
            f"{_ANYWAY}",
        ],
    )
    return Permission(UNKNOWN)


def _going(app: Any, report: Report) -> Permission:
    host = report.host_to_name
    if host is not None:
        others = listed(report.hosts_not_to_choose)
        say(app, [f"Naming {host} as the destination: nova might choose {others}, not ready"])
    return Permission(host=host)


def _lines(app: Any, report: Report) -> Iterator[str]:
    from osc_vfio_lm import screen
    from osc_vfio_lm.migration import report_text

    first, *others = screen.prose(report_text.headline(report))
    yield screen.coloured(first, report.verdict.value, app.stderr)
    yield from others
    for lines in (report_text.advice(report), report_text.sources(report)):
        if section := tuple(lines):
            yield from ("", *section)
