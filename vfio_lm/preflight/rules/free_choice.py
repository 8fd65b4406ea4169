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

"""Whether nova may choose a destination by itself, where the request names none."""

from __future__ import annotations

from collections.abc import Iterable

from vfio_lm.pci.nova_word import Ending, NovaDestination
from vfio_lm.preflight.check import Refuser, Status
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.report import CheckResult

#: What refuses a host before anything is claimed there, so that nova goes on to the next one.
_LEAVES_OUT = (Refuser.API, Refuser.SCHEDULER, Refuser.CONDUCTOR)


def nova_destination(facts: Facts, host: str) -> NovaDestination | None:
    """Return what nova says about a host where no host is named; None if nothing."""
    answer = facts.nova.answer
    return None if answer is None or answer.is_about_one_host else answer.destination(host)


def may_be_chosen(facts: Facts, host: str, results: Iterable[CheckResult]) -> bool:
    """Return whether nova may move the server to a host of its own accord.

    Nova looks at no driver and no QEMU, and what fails there fails too late for another host.

    :param results: of the checks of the destination
    """
    said = nova_destination(facts, host)
    if said is not None and facts.nova.is_fresh:
        return said.may_be_chosen
    if said is not None and said.ending is Ending.REFUSED:
        return False
    return not any(
        result.status is Status.FAIL and result.refused_by in _LEAVES_OUT for result in results
    )
