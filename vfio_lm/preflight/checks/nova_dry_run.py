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

"""The check of nova's own word: what a dry run of its code said about the server."""

from __future__ import annotations

from vfio_lm.pci.nova_word import Ending, NovaDestination
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.nova_says import Standing
from vfio_lm.preflight.wording.nova_says import ask_again, ending, mismapped, way_on
from vfio_lm.text import counted


@check(
    "nova-dry-run",
    Scope.SERVER,
    "Does nova itself accept to live migrate the server, as far as the server is concerned?",
    refused_by=Refuser.CONDUCTOR,
    may_end_in_error=True,
)
def _server(facts: Facts) -> Outcome:
    """Say what nova objects to whatever the host is, and from when and where its word is."""
    nova = facts.nova
    if nova.standing is Standing.NOT_ASKED:
        return not_applicable(f"nova itself was not asked: {nova.reason}")
    if nova.answer is None or nova.given is None:
        return warned(nova.reason, remedy=ask_again(facts))
    word = nova.given.word
    evidence = {
        "from": nova.given.origin,
        "taken_at": word.taken_at.isoformat(),
        "nova_version": word.nova_version,
        "ending": nova.answer.ending.value,
        "not_covered": list(word.not_covered),
    }
    if nova.answer.objections:
        # For the server, they are what the whole answer comes to.
        return failed(
            ending(nova.answer.ending, nova.answer.objections),
            remedy=way_on(facts, nova.answer.objections),
            **evidence,
        )
    accepting = sum(each.ending is Ending.ACCEPTED for each in nova.answer.destinations)
    return passed(
        f"nova has no objection to the server, and accepts {counted(accepting, 'host')}", **evidence
    )


@destination_check(
    "nova-dry-run",
    "Does nova itself accept the destination, up to the claim of its nova-compute?",
    refused_by=Refuser.COMPUTE,
    may_end_in_error=True,
)
def _destination(facts: Facts, destination: Destination) -> Outcome:
    """Say what nova's scheduler, conductor and claim make of the destination."""
    answer = facts.nova.answer
    if answer is None:
        return not_applicable("nova itself was not asked, or its word does not count")
    if answer.objections:
        return not_applicable("nova objects to the server, whatever the destination")
    said = answer.destination(destination.host)
    if said is not None:
        return _outcome(facts, said)
    if answer.is_about_one_host:
        return not_applicable("nova was asked about another host only")
    return failed(
        "nova does not count it among the hosts of the server's cell",
        remedy="choose a host of the same cell",
    )


nova_dry_run = (_server, _destination)


def _outcome(facts: Facts, said: NovaDestination) -> Outcome:
    evidence = {
        "ending": said.ending.value,
        "may_be_chosen": said.may_be_chosen,
        "weight": said.weight,
        "candidates": said.candidates,
        "numa_nodes": list(said.cells),
        "objections": [
            {"decider": each.decider.value, "name": each.name, "reason": each.reason}
            for each in said.objections
        ],
        "notes": list(said.notes),
    }
    if said.ending is Ending.ACCEPTED:
        if not said.notes:
            return passed("nova accepts it", **evidence)
        return unknown(
            f"nova accepts it, but: {'; '.join(said.notes)}",
            settled_by=ask_again(facts),
            **evidence,
        )
    if said.ending is Ending.UNKNOWN:
        why = "; ".join((*said.notes, *(each.reason for each in said.objections)))
        return warned(
            f"nova's code could not be run to the end: {why}", remedy=ask_again(facts), **evidence
        )
    message = ending(said.ending, said.objections)
    if said.ending is Ending.DEPENDS:
        return unknown(message, settled_by=way_on(facts, said.objections), **evidence)
    remedy = mismapped(said) if said.ending is Ending.MISMAPPED else way_on(facts, said.objections)
    return failed(message, remedy=remedy, **evidence)
