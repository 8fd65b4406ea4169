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
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm.command import say

if TYPE_CHECKING:
    from vfio_lm.preflight import Report

#: The values of vfio_lm.migration.Mode, which is not imported for the sake of --help, and that none
#: is wanted.
MODES = ("enforce", "warn", "skip")

BLOCKED = 2
"""The exit status of a command that the preflight stops."""

NOT_DONE = "The preflight could not be done, so nova decides alone"

_ENVIRONMENT_VARIABLE = "OS_VFIO_PREFLIGHT"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--vfio-preflight",
        choices=MODES,
        help="What to do before a live migration of a server that holds PCI devices by alias: "
        "enforce stops it if it is certain to fail, and warns if that is not known; warn only "
        "warns; skip does not look "
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


def may_begin(app: Any, chosen: str, give: Callable[[], Report]) -> bool:
    """Run a preflight, and report on standard error what is in the way.

    A preflight that cannot be done, for want of a role for instance, is no reason to stop what
    nova might allow.

    :param give: runs the preflight
    :returns: False where the live migration must not begin
    :raises vfio_lm.errors.NotFoundError: if there is no such server or destination
    """
    from vfio_lm.errors import NotFoundError, VfioLmError
    from vfio_lm.migration import GateDecision, Mode, decide

    try:
        report = give()
    except NotFoundError:
        raise
    except VfioLmError as exc:
        say(app, [f"{NOT_DONE}: {exc}"])
        return True
    decision = decide(Mode(chosen), report.verdict)
    if decision is GateDecision.GO:
        return True
    say(app, _lines(report))
    if decision is GateDecision.TELL_AND_GO:
        say(app, ["", "Asking nova anyway."])
        return True
    say(app, ["", "Nova was not asked. To ask it anyway: --vfio-preflight warn"])
    return False


def _lines(report: Report) -> Iterator[str]:
    from osc_vfio_lm.migration import report_table

    yield report_table.headline(report)
    yield from report_table.advice(report)
    yield from report_table.sources(report)
