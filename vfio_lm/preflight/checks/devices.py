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

"""The check of a destination's devices: in placement, or as its resource tracker has them."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterator

from vfio_lm.cloud.model import Marking
from vfio_lm.pci import LiveMigratable
from vfio_lm.pci.assignment import Fit, Wish
from vfio_lm.pci.provider_origin import Split, split
from vfio_lm.preflight.check import (
    Evidence,
    Outcome,
    Refuser,
    Status,
    destination_check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.alias_ids import kind_shortages
from vfio_lm.preflight.rules.free_devices import HostView, host_view
from vfio_lm.preflight.rules.scheduler import scheduler_may_look_elsewhere
from vfio_lm.preflight.rules.tree_capacity import (
    best_marking,
    shortages,
)
from vfio_lm.preflight.wording.declaration import declare, declare_or_tell, same_tags
from vfio_lm.preflight.wording.remedy import (
    SCHEDULERS_CONF,
    check_again,
    conf_of,
    in_nova_conf,
    make_room,
    probe,
    resize,
    steps,
)
from vfio_lm.preflight.wording.shared_answers import NOT_KNOWN_WHERE, no_devices, not_declared

_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.PASS)


def _question_to_placement(facts: Facts) -> Hashable:
    """Return what decides where placement alone is asked; None where a host's servers count."""
    if facts.ports or not facts.devices_in_placement:
        return None
    groups = facts.query.pci_groups
    return (
        bool(facts.alias_requests),
        facts.pci_in_placement,
        facts.candidates.is_cut_off,
        facts.alias_requests,
        tuple((g.suffix, *g.resources.items(), g.required, g.forbidden) for g in groups),
    )


@destination_check(
    "destination-devices",
    "Are enough devices free there that nova would give to the server?",
    refused_by=Refuser.SCHEDULER,
    depends_on=_question_to_placement,
)
def destination_devices(facts: Facts, destination: Destination) -> Outcome:
    """Ask placement for the devices of aliases, and the host's own facts for all others.

    An alias with live_migratable=yes is only served from devices declared so
    (``_filter_pools_for_live_migratable_devices`` in ``nova/pci/stats.py``, nova 34.0.0).
    """
    if (answer := no_devices(facts)) is not None:
        return answer
    answers = []
    if facts.alias_requests and facts.devices_in_placement:
        answers += [
            *_of_several_kinds(facts),
            *_in_pools(destination),
            *_of_other_kinds(facts, destination),
            _in_placement(facts, destination),
        ]
    if facts.ports or not facts.devices_in_placement:
        answers.append(_on_the_host(facts, destination))
    return min(answers, key=lambda outcome: _WORST_FIRST.index(outcome.status))


def _of_several_kinds(facts: Facts) -> Iterator[Outcome]:
    """Tell of an alias for which nova cannot ask placement, though it may have to.

    An error ends the live migration then, before the scheduler is asked. A nova.conf that says
    both is refused when it is read.

    Source: ``generate_request_groups_from_pci_requests`` in ``nova/objects/request_spec.py`` (nova
    31 to 34.0.0).
    """
    if names := _names_of_several_kinds(facts):
        yield unknown(
            f"alias {', '.join(names)} means several kinds of device, for which nova cannot ask "
            f"placement, and it is not known whether it would",
            settled_by=SCHEDULERS_CONF,
            aliases=names,
        )


def _names_of_several_kinds(facts: Facts) -> list[str]:
    aliases = facts.aliases or {}
    names = dict.fromkeys(request.alias for request in facts.alias_requests)
    return [name for name in names if name in aliases and len(aliases[name].specs) > 1]


def _on_the_host(facts: Facts, destination: Destination) -> Outcome:
    by_alias = bool(facts.alias_requests) and not facts.devices_in_placement
    if by_alias and not facts.scheduler_ignores_placement:
        return unknown(
            "the scheduler may ask placement for devices, where those of the server are not",
            settled_by=steps(
                SCHEDULERS_CONF,
                "or, since a host that began to report its devices can never stop to, "
                + in_nova_conf(facts.server.host, "pci", "report_in_placement = true"),
            ),
        )
    view = host_view(facts, destination)
    if not view.is_known:
        return unknown(
            "; ".join(gap.reason for gap in view.gaps),
            settled_by=steps(*dict.fromkeys(gap.settled_by for gap in view.gaps)),
        )
    evidence = {
        "requests": [
            {
                "for": wish.name,
                "count": wish.count,
                "free": sorted(map(str, wish.certain)),
                "perhaps_free": sorted(map(str, wish.possible - wish.certain)),
            }
            for wish in view.wishes
        ]
    }
    free = "; ".join(_free(wish) for wish in view.wishes)
    if view.fit is Fit.NO:
        return failed(
            free,
            remedy=_free_or_declare(facts, destination),
            **evidence,
        )
    if view.fit is Fit.UNSURE:
        return unknown(
            f"whether the devices suffice depends on those that nova takes first, or on what is "
            f"not known of them: {free}",
            settled_by=_settle_fit(view, destination),
            **evidence,
        )
    return _with_age(facts, destination, free, evidence)


def _free(wish: Wish) -> str:
    sentence = f"{wish.name}: {wish.count} needed, {len(wish.certain)} free"
    if perhaps := len(wish.possible - wish.certain):
        sentence += f" ({perhaps} more may be)"
    return sentence


def _settle_fit(view: HostView, destination: Destination) -> str:
    reasons = [
        f"{device.facts.address}: {device.facts.unknown.get('user') or 'is in use, or not free'}"
        for device in view.devices
        if not device.is_certain and device.facts.address in view.fitting
    ]
    unseen = [wish.name for wish in view.wishes if not wish.knows_all]
    if unseen and not reasons:
        return (
            f"the facts hold devices without SR-IOV only if they are bound to a VFIO driver: bind "
            f"those of {', '.join(unseen)}\n{probe(destination.host)}"
        )
    if not reasons:
        return steps(
            "free one more device there, so that the order does not matter",
            make_room(destination.host, with_devices=True),
        )
    return steps(f"look at the devices again ({'; '.join(reasons)})", probe(destination.host))


def _with_age(
    facts: Facts, destination: Destination, free: str, evidence: dict[str, list[dict[str, object]]]
) -> Outcome:
    """Pass, or warn that the host may have changed since it was looked at.

    What servers hold by alias is held against nova's own list, so old facts do not make a device
    free that is not; but devices and their drivers may have changed.
    """
    known = destination.knowledge.facts
    if known is not None and facts.inputs.is_old(known):
        age = facts.inputs.age(known)
        whole = datetime.timedelta(seconds=int(age.total_seconds()))
        return warned(
            f"{free}, but the facts of the host are {whole} old",
            remedy=probe(destination.host),
            age_seconds=int(age.total_seconds()),
            **evidence,
        )
    return passed(free, **evidence)


def _in_placement(facts: Facts, destination: Destination) -> Outcome:
    if destination.tree is None:
        return unknown(
            "placement has no free memory on the host, so its devices were not looked at",
            settled_by=make_room(destination.host),
        )
    groups, devices = facts.query.pci_groups, destination.devices
    evidence = {
        "free": [
            {
                "address": device.provider.pci_address,
                "resource_class": device.resource_class,
                "free": device.free,
                "live_migratable": device.marking.value,
            }
            for device in devices
        ]
    }
    best = best_marking(destination.candidates, groups, devices)
    if best is Marking.MARKED:
        return _declared(destination, evidence)
    if scheduler_may_look_elsewhere(facts, destination):
        return unknown(NOT_KNOWN_WHERE, settled_by=SCHEDULERS_CONF, **evidence)
    missing = shortages(groups, devices, (Marking.MARKED, Marking.UNKNOWN))
    if not missing and (best is Marking.UNKNOWN or shortages(groups, devices, (Marking.MARKED,))):
        return unknown(
            f"free devices are there, but {not_declared(destination.knowledge)}",
            settled_by=declare_or_tell(
                destination.host,
                destination.knowledge,
                [each.provider for each in devices if each.marking is Marking.UNKNOWN],
            ),
            **evidence,
        )
    if not missing and best is None:
        return _declared(destination, evidence)
    if not missing and facts.candidates.is_cut_off:
        return unknown(
            "placement's answer was cut off before all devices of this host were tried",
            settled_by=check_again(f"--host {destination.host}"),
            **evidence,
        )
    return failed(
        "; ".join(missing) or "no combination of free devices is declared live migratable",
        remedy=_free_or_declare(facts, destination),
        **evidence,
    )


def _declared(destination: Destination, evidence: Evidence) -> Outcome:
    """Pass, or warn that it is the trait alone that declares the devices.

    A nova-compute before 34.0.0 reports the trait because a device_spec has it in its ``traits``;
    that the tag ``live_migratable``, by which devices are chosen, stands beside it for every VF of
    the PF, only the host's nova.conf says.
    """
    enough = "enough free devices are declared live migratable"
    names = [
        device.provider.name
        for device in destination.devices
        if device.marking is Marking.MARKED and not device.provider.reports_live_migratable
    ]
    if destination.knowledge.conf is not None or not names:
        return passed(enough, **evidence)
    return warned(
        f"{enough}, if every VF behind {', '.join(names)} has live_migratable=yes beside the trait",
        remedy=conf_of(destination.host),
        **evidence,
    )


def _in_pools(destination: Destination) -> Iterator[Outcome]:
    """Tell of a PF whose VFs nova cannot count together: it serves no alias on that host.

    Source: ``_assert_one_pool_per_rp_uuid`` in ``nova/pci/stats.py``, which looks at all devices of
    the host that are in placement (nova 34.0.0, and the same in 31.3.1, 32.2.1 and 33.0.2).
    """
    pci = destination.tree.pci_providers if destination.tree else ()
    found = {
        each.pci_address: split(
            destination.knowledge,
            each.reported,
            sum(units.free for units in each.inventories.values()),
        )
        for each in pci
    }
    apart = sorted(f"{address}" for address, how in found.items() if how is Split.YES)
    perhaps = sorted(f"{address}" for address, how in found.items() if how is Split.PERHAPS)
    host = destination.host
    if apart:
        yield failed(
            f"the VFs of {', '.join(apart)} differ in their tags, and as long as different ones "
            f"are free nova serves no alias from this host",
            remedy=same_tags(host),
            differing=apart,
        )
    elif perhaps:
        yield unknown(
            f"the VFs of {', '.join(perhaps)} may differ in their tags, and as long as different "
            f"ones are free nova serves no alias from this host",
            settled_by=same_tags(host) if destination.knowledge.facts else probe(host),
            differing=perhaps,
        )


def _of_other_kinds(facts: Facts, destination: Destination) -> Iterator[Outcome]:
    """Tell of devices that have the class that an alias asks for, but not all else."""
    for short in kind_shortages(facts, destination):
        others = ", ".join(short.others)
        remedy = resize("SERVER", f"whose alias asks for the devices of {destination.host}")
        if short.perhaps < short.needed:
            yield failed(
                f"{short.alias}: {short.needed} needed, {short.perhaps} free; those of {others} "
                f"have its resource class, but another kind or other IDs",
                remedy=remedy,
                differing=list(short.others),
            )
        else:
            yield unknown(
                f"{short.alias}: {short.needed} needed, {short.fitting} free beyond doubt; not all "
                f"of {others} have the kind and the IDs that it asks for beside the resource class",
                settled_by=remedy,
                differing=list(short.others),
            )


def _free_or_declare(facts: Facts, destination: Destination) -> str:
    """Say what to do where devices are short: declare free ones, or free declared ones."""
    room = make_room(destination.host, with_devices=bool(facts.alias_requests))
    fresh_facts = (
        () if facts.devices_in_placement and not facts.ports else (probe(destination.host),)
    )
    if not facts.alias_requests:
        return steps(room, *fresh_facts)
    if facts.devices_in_placement:
        wanted = {name for group in facts.query.pci_groups for name in group.resources}
        is_worth_it = any(
            each.free and each.marking is Marking.NOT_MARKED and each.resource_class in wanted
            for each in destination.devices
        )
    else:
        specs = destination.knowledge.device_specs
        is_worth_it = any(spec.live_migratable is not LiveMigratable.YES for spec in specs)
    if not is_worth_it:
        return steps(room, *fresh_facts)
    providers = [
        each.provider
        for each in destination.devices
        if each.free and each.marking is Marking.NOT_MARKED
    ]
    return steps(
        declare(destination.host, destination.knowledge, providers), f"or {room}", *fresh_facts
    )
