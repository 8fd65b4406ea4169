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

"""The check of a destination's room: whether placement offers it for what the server needs."""

from __future__ import annotations

from vfio_lm.cloud.model import CandidateQuery, Marking
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.scheduler import scheduler_may_look_elsewhere
from vfio_lm.preflight.rules.tree_capacity import (
    plain_shortages,
    shortages,
    trait_reasons,
)
from vfio_lm.preflight.rules.zone import is_in_zone
from vfio_lm.preflight.wording.remedy import (
    HYPERVISORS,
    SCHEDULERS_CONF,
    check_again,
    enable,
    make_room,
    on_host,
    resize,
    steps,
)
from vfio_lm.preflight.wording.shared_answers import NOT_KNOWN_WHERE


@destination_check(
    "destination-capacity",
    "Does placement offer the destination for the request that nova would make?",
    refused_by=Refuser.SCHEDULER,
)
def destination_capacity(facts: Facts, destination: Destination) -> Outcome:
    """Look for an allocation candidate in the destination's tree."""
    if destination.node is None:
        return unknown(
            "nova does not list exactly one hypervisor for the host",
            settled_by=HYPERVISORS,
        )
    if not is_in_zone(facts, destination):
        return not_applicable("the host is not in the zone that the server is bound to")
    evidence = {
        "candidates": len(destination.candidates),
        # a copy: YAML would show what is shared by reference
        "request": dict(facts.memo.latest(_request, facts.query)),
    }
    if destination.candidates:
        return passed("placement offers the host", **evidence)
    if destination.host == facts.server.host:
        return unknown(
            "the server itself is on this host",
            settled_by="name another host",
            **evidence,
        )
    if facts.candidates.is_cut_off:
        return unknown(
            f"placement returned its {facts.candidates.limit} candidates without this host; nova "
            f"would see no more",
            settled_by=check_again(f"--host {destination.host}"),
            **evidence,
        )
    reasons = plain_shortages(facts.query, destination.tree)
    if not reasons and scheduler_may_look_elsewhere(facts, destination):
        return unknown(NOT_KNOWN_WHERE, settled_by=SCHEDULERS_CONF, **evidence)
    missing = shortages(facts.query.pci_groups, destination.devices, tuple(Marking))
    reasons = [*reasons, *missing] or ["no combination of its providers has everything at once"]
    return failed(
        f"placement does not offer the host: {'; '.join(reasons)}",
        remedy=_make_it_fit(facts, destination, lacks_devices=bool(missing)),
        reasons=reasons,
        **evidence,
    )


def _request(query: CandidateQuery) -> dict[str, str]:
    return dict(query.to_params())


def _make_it_fit(facts: Facts, destination: Destination, *, lacks_devices: bool) -> str:
    """Say what to do about a host that placement does not offer, by what it lacks."""
    tree = destination.tree
    if not destination.service.is_enabled:
        return enable(destination.host)
    root = tree.root.traits if tree is not None and tree.root else None
    if root is not None and not (
        facts.query.root_required <= root and facts.query.root_forbidden.isdisjoint(root)
    ):
        # _sync_compute_service_disabled_trait in nova/compute/resource_tracker.py (nova 34.0.0)
        return steps(
            "wait two minutes: nova-compute sets these traits of its host itself",
            f"or {on_host(destination.host, 'systemctl restart nova-compute')}",
        )
    if tree is not None and list(trait_reasons(facts.query, tree)):
        return resize(facts.server.id, "that asks for nothing that the host cannot give")
    if lacks_devices:
        return "see destination-devices"
    return make_room(destination.host)
