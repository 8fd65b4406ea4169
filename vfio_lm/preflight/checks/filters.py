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

"""The check of the scheduler's filters and options that no other check is about."""

from __future__ import annotations

from collections.abc import Hashable

from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.filters import refusals
from vfio_lm.preflight.rules.request_filters import image_types, option_refusals
from vfio_lm.preflight.wording.remedy import check_again, paste, steps


def _decided_by(facts: Facts) -> Hashable:
    server = facts.server
    return (
        server.flavor.name,
        frozenset(server.flavor.extra_specs.items()),
        frozenset((facts.image_properties or {}).items()),
        server.image_properties is None,
        server.project_id,
        repr(sorted(server.scheduler_hints.items(), key=str)),
        image_types(facts),
        None if facts.segments is None else frozenset(facts.segments.items()),
    )


@destination_check(
    "destination-filters",
    "Do the filters and options of nova's scheduler admit the server there?",
    refused_by=Refuser.SCHEDULER,
    depends_on=_decided_by,
)
def destination_filters(facts: Facts, destination: Destination) -> Outcome:
    """Ask each filter that is enabled, or may be, and each option that narrows the choice."""
    found = [*refusals(facts, destination), *option_refusals(facts, destination)]
    evidence = {"enabled_filters": _enabled(facts), "by": [each.by for each in found]}
    if certain := [each for each in found if each.is_certain]:
        return failed(
            "; ".join(f"{each.by} refuses the host: {each.reason}" for each in certain),
            remedy=_without(certain[0].by),
            **evidence,
        )
    if found:
        return unknown(
            "; ".join(f"{each.by} may refuse the host: {each.reason}" for each in found),
            settled_by=check_again(
                "--nova-conf FILE",
                why="with the nova.conf of nova-scheduler as FILE, which sets enabled_filters, ",
            )
            if facts.inputs.scheduler.enabled_filters is None
            else _without(found[0].by),
            **evidence,
        )
    return passed("no filter refuses the host", **evidence)


def _enabled(facts: Facts) -> list[str] | None:
    enabled = facts.inputs.scheduler.enabled_filters
    return None if enabled is None else list(enabled)


def _without(name: str) -> str:
    """Say what leads on where a filter refuses a host that the operator wants."""
    return steps(
        paste("see what the aggregates of the hosts ask for", "openstack aggregate list --long"),
        f"or take {name} out of the nova.conf of nova-scheduler, if it is not needed",
    )
