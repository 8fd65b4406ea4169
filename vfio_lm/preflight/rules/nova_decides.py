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

"""What nova's own word does to the answers of our checks: it decides what nova decides."""

from __future__ import annotations

import dataclasses
import re

from vfio_lm.pci.nova_word import Ending, NovaAnswer
from vfio_lm.preflight.check import Status
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.report import CheckResult, NovaStance
from vfio_lm.preflight.wording.nova_says import ask_again, contradicted, outdated

#: Checks whose question nova's dry run answers as well. The others look at what it leaves out:
#: ports, processors, drivers, QEMU, the transfer (``not_covered`` of nova's word).
DECIDED_BY_NOVA = frozenset(
    {
        "alias-live-migratable",
        "allocation-consistent",
        "destination-capacity",
        "destination-devices",
        "destination-filters",
        "destination-group",
        "destination-hypervisor",
        "destination-service",
        "destination-zone",
        "device-trait",
        "numa",
        "request-drift",
        "server-features",
        "server-state",
        "source-up",
    }
)

#: Of the features of a server, those that only the two hosts look at.
_OF_THE_HOSTS = re.compile(r"tpm|pmem|v?gpu|mdev|mediated|sound|usb|boot volume", re.IGNORECASE)


def is_for_the_hosts(feature: str) -> bool:
    """Whether only the two hosts look at a feature of a server, nova's scheduler never."""
    return _OF_THE_HOSTS.search(feature) is not None


def with_nova(facts: Facts, result: CheckResult) -> CheckResult:
    """Return the answer of a check as it counts beside nova's word.

    Where nova accepts, a question that is open to us is settled, and an objection of ours is
    wrong. If nova's word is not of this minute, either may be: then the answer is unknown.
    """
    answer = facts.nova.answer
    if answer is None or result.id not in DECIDED_BY_NOVA:
        return result
    if result.status is Status.UNKNOWN and _is_settled(facts, answer, result):
        return dataclasses.replace(result, is_decisive=False, nova=NovaStance.SETTLES)
    if result.status is not Status.FAIL or not _is_accepted(answer, result.host, facts):
        return result
    if facts.nova.is_fresh:
        return dataclasses.replace(
            result,
            status=Status.WARN,
            message=contradicted(result.message),
            remedy=f"report it as a defect of the check {result.id}",
            nova=NovaStance.CONTRADICTS,
        )
    return dataclasses.replace(
        result,
        status=Status.UNKNOWN,
        message=outdated(result.message),
        remedy=ask_again(facts),
        nova=NovaStance.CONTRADICTS,
    )


def _is_settled(facts: Facts, answer: NovaAnswer, result: CheckResult) -> bool:
    if result.id == "server-features" and is_for_the_hosts(str(result.evidence)):
        return False
    if result.host is not None and result.host != facts.server.host:
        return _is_accepted(answer, result.host, facts)
    # What is not known of the server itself matters where nova has not been heard to the end.
    is_heard = not answer.is_about_one_host and all(
        each.ending is not Ending.UNKNOWN for each in answer.destinations
    )
    return bool(answer.objections) or is_heard or _is_accepted(answer, None, facts)


def _is_accepted(answer: NovaAnswer, host: str | None, facts: Facts) -> bool:
    """Whether nova accepts a destination, or for the server and its source, any that was asked."""
    if host is None or host == facts.server.host:
        host = facts.requested_host
    return any(
        each.ending is Ending.ACCEPTED and not each.notes and host in (None, each.host)
        for each in answer.destinations
    )
