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

"""The check of where a server may be by its zone, and by aggregates for certain servers alone."""

from __future__ import annotations

from vfio_lm.cloud.model import Aggregate
from vfio_lm.preflight.check import (
    Evidence,
    Outcome,
    Refuser,
    destination_check,
    failed,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.zone import is_in_zone
from vfio_lm.preflight.wording.remedy import paste


@destination_check(
    "destination-zone",
    "Do the availability zone and isolated aggregates admit the server?",
    refused_by=Refuser.SCHEDULER,
    depends_on=lambda facts: (facts.server.pinned_availability_zone, _asked_traits(facts)),
)
def destination_zone(facts: Facts, destination: Destination) -> Outcome:
    """Apply the scheduler's request filters about aggregates.

    Source: ``map_az_to_placement_aggregate`` and ``isolate_aggregates`` in
    ``nova/scheduler/request_filter.py`` (nova 34.0.0).
    """
    host, zone = destination.host, facts.server.pinned_availability_zone
    evidence = {"server_zone": zone, "zone": destination.service.zone}
    if not is_in_zone(facts, destination):
        aggregate = next(a for a in facts.aggregates if a.zone == zone)
        return failed(
            f"the server is bound to zone {zone}, and the host is in {destination.service.zone}",
            remedy=paste(
                "put the host into the zone, if it belongs there",
                f"openstack aggregate add host {aggregate.name} {host}",
            ),
            **evidence,
        )
    isolated = _isolated(facts, host)
    if isolated is not None:
        return _of_isolated(facts, *isolated, evidence)
    if zone is None:
        return passed("the server is bound to no zone", **evidence)
    return passed(f"zone {zone} admits the server", **evidence)


def _isolated(facts: Facts, host: str) -> tuple[Aggregate, list[str]] | None:
    """Return an aggregate that may be closed to the server, and the traits that open it."""
    if facts.inputs.scheduler.isolates_aggregates is False:
        return None
    asked = _asked_traits(facts)
    for aggregate in facts.aggregates:
        missing = sorted(aggregate.required_traits - asked)
        if host in aggregate.hosts and missing:
            return aggregate, missing
    return None


def _of_isolated(
    facts: Facts, aggregate: Aggregate, missing: list[str], evidence: Evidence
) -> Outcome:
    option = "[scheduler]enable_isolated_aggregate_filtering"
    traits = ", ".join(missing)
    found = f"aggregate {aggregate.name} is for servers that ask for {traits}"
    way_out = paste(
        "if the aggregate need not be isolated",
        "openstack aggregate unset "
        + " ".join(f"--property trait:{trait}" for trait in missing)
        + f" {aggregate.name}",
    )
    evidence = {"aggregate": aggregate.name, "required": missing, **evidence}
    if not facts.inputs.scheduler.isolates_aggregates:
        return unknown(
            f"{found}; where {option} is on, no other may come", settled_by=way_out, **evidence
        )
    if facts.server.image_properties is not None:
        # Nova shows the properties of a server's image without its traits.
        return unknown(
            f"{found}, and nova does not show whether the server's image does",
            settled_by=way_out,
            **evidence,
        )
    return failed(f"{found}, and {option} is on", remedy=way_out, **evidence)


def _asked_traits(facts: Facts) -> frozenset[str]:
    """Return the traits that flavor and image require, of whichever provider."""
    asked = {**facts.server.flavor.extra_specs, **(facts.image_properties or {})}
    return frozenset(
        key.partition(":")[2]
        for key, value in asked.items()
        if key.startswith("trait") and value == "required"
    )
