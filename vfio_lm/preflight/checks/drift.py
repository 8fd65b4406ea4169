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

"""The check of what nova stored about a server's devices, beside what the server shows."""

from __future__ import annotations

from vfio_lm.preflight.check import Outcome, Refuser, Scope, check, passed, unknown
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules.request_drift import drifts
from vfio_lm.preflight.wording.nova_says import ask_again


@check(
    "request-drift",
    Scope.SERVER,
    "Does nova still ask for the devices that the server shows?",
    refused_by=Refuser.COMPUTE,
    may_end_in_error=True,
)
def request_drift(facts: Facts) -> Outcome:
    """Look at what was done with the server: nova goes by what it stored, not by what it shows."""
    found = list(drifts(facts))
    if not found:
        return passed("nothing that was done with the server changes what nova asks for")
    return unknown(
        f"nova may have stored another request than the server shows: {'; '.join(found)}; it may "
        "leave the server in ERROR",
        settled_by=ask_again(facts),
        reasons=found,
    )
