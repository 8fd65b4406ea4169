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

"""May a live migration begin, after this preflight? The rule, without any input or output."""

from __future__ import annotations

import enum

from vfio_lm.preflight import Report, Verdict


class Mode(enum.Enum):
    """What a preflight may do to a live migration that a user asks for."""

    ENFORCE = "enforce"
    """Stop it where it is certain to fail, or may put the server into ERROR; where it is not known
    and nova's refusal is harmless, say so and let nova decide."""
    WARN = "warn"
    """Say what is in the way, and let nova decide."""


class GateDecision(enum.Enum):
    """What follows from a verdict."""

    GO = "go"
    TELL_AND_GO = "tell and go"
    STOP = "stop"


def decide(mode: Mode, report: Report) -> GateDecision:
    """Say whether a live migration may begin.

    What is not known is for nova to find out where its refusal changes nothing. Some of its
    refusals leave a running server in ERROR, and are not worth an attempt.
    """
    if report.verdict is Verdict.READY:
        return GateDecision.GO
    is_harmless = report.verdict is Verdict.UNKNOWN and not report.may_end_in_error
    if mode is Mode.ENFORCE and not is_harmless:
        return GateDecision.STOP
    return GateDecision.TELL_AND_GO
