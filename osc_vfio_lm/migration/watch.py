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

"""Asking for a verdict again until it changes, for ``migration check --watch``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_vfio_lm.migration import server_selection
from vfio_lm.command_line import seconds
from vfio_lm.polling import SYSTEM_CLOCK, Clock, poll
from vfio_lm.progress_line import ProgressLine

if TYPE_CHECKING:
    from vfio_lm.preflight import Report

_LIMIT = 3600.0
_EVERY = 15.0
"""Seconds. A check asks some twenty requests."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --watch and --timeout."""
    parser.add_argument(
        "--watch",
        action="store_true",
        help="Check one server again every "
        f"{_EVERY:.0f} seconds until it is ready or its verdict changes, and then report",
    )
    parser.add_argument(
        "--timeout",
        metavar="<seconds>",
        type=seconds,
        help=f"With --watch, how long to wait; the last verdict is reported then "
        f"(default: {_LIMIT:.0f})",
    )


def refuse_nonsense(parsed_args: argparse.Namespace) -> None:
    """Refuse --watch of several servers, and --timeout without it.

    :raises osc_lib.exceptions.CommandError: with what to do instead
    """
    if parsed_args.timeout is not None and not parsed_args.watch:
        raise exceptions.CommandError("--timeout is only allowed with --watch")
    if parsed_args.watch and not server_selection.is_one(parsed_args):
        raise exceptions.CommandError("--watch takes one server: name it by its name or ID")


def until_changed(
    give: Callable[[], Report],
    timeout: float | None,
    line: ProgressLine,
    clock: Clock = SYSTEM_CLOCK,
) -> Report:
    """Return the first report that is ready or has another verdict than the first one.

    A service that does not answer for a while does not end it.

    :param give: makes a report
    :param timeout: seconds after which the last report is returned
    :raises vfio_lm.errors.CloudError: if there is no first report, or none at the end
    """
    from vfio_lm.errors import CloudError
    from vfio_lm.preflight import Verdict

    seen: list[Report] = []
    failure: CloudError | None = None

    def look(passed: float) -> Report | None:
        nonlocal failure
        try:
            seen.append(give())
            failure = None
        except CloudError as exc:
            if not seen:
                raise
            failure = exc
        newest = seen[-1].verdict
        if newest is Verdict.READY or newest is not seen[0].verdict:
            return seen[-1]
        del seen[1:-1]
        state = f"no answer ({failure})" if failure else newest.value
        line.show(f"{state}, watched for {passed:.0f} s")
        return None

    limit = _LIMIT if timeout is None else timeout
    try:
        changed = poll(look, every=_EVERY, limit=limit, clock=clock)
    finally:
        line.erase()
    if changed is None and failure is not None:
        raise failure
    return changed or seen[-1]
