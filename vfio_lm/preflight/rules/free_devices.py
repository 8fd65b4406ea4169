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

"""What the facts show of one destination's devices, seen as its resource tracker sees them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator

from vfio_lm.cloud.model import Marking, PortKind
from vfio_lm.pci import LiveMigratable, PciAddress, names
from vfio_lm.pci.assignment import Fit, Wish, fit
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.report import DeviceReport
from vfio_lm.preflight.rules.tracked_devices import (
    TrackedDevice,
    relatives,
    tracked_devices,
    wishes,
)
from vfio_lm.preflight.wording.remedy import APIS_CONF, conf_of, paste, probe


@dataclasses.dataclass(frozen=True)
class Gap:
    """Something that is not known of a host, and where to get it."""

    reason: str
    settled_by: str


@dataclasses.dataclass(frozen=True)
class HostView:
    """The devices of a host, held against what is asked of it."""

    gaps: tuple[Gap, ...]
    """If there is one, the rest is empty."""
    devices: tuple[TrackedDevice, ...] = ()
    wishes: tuple[Wish, ...] = ()
    fit: Fit = Fit.UNSURE

    @property
    def is_known(self) -> bool:
        """Whether all was given that is needed."""
        return not self.gaps

    @property
    def fitting(self) -> frozenset[PciAddress]:
        """Every device that one of the requests might get."""
        return frozenset().union(*(wish.possible for wish in self.wishes))


def host_view(facts: Facts, destination: Destination) -> HostView:
    """Look at a destination through its nova.conf, its facts, and the servers that nova has there.

    Devices of aliases are only looked at where placement cannot be asked for them.
    """
    # All checks of one destination ask, one after the other.
    return facts.memo.latest(_host_view, facts, destination)


def _host_view(facts: Facts, destination: Destination) -> HostView:
    gaps = tuple(_gaps(facts, destination))
    own, occupants = destination.knowledge, destination.occupants
    if gaps or own.facts is None or occupants is None:
        return HostView(gaps)
    devices = tracked_devices(
        own, occupants.devices_by_server.keys(), is_old=facts.inputs.is_old(own.facts)
    )
    asked = tuple(
        wishes(
            () if facts.devices_in_placement else facts.alias_requests,
            facts.aliases or {},
            facts.ports,
            devices,
            own.facts.devices,
        )
    )
    return HostView((), devices, asked, fit(asked, relatives(own.facts.devices)))


def devices_on_the_host(facts: Facts, destination: Destination) -> tuple[DeviceReport, ...]:
    """Return the devices that nova may give to the server, counted by their PF."""
    view = host_view(facts, destination)
    certain = frozenset().union(*(wish.certain for wish in view.wishes))
    by_parent: dict[tuple[str, str, Marking], list[bool]] = collections.defaultdict(list)
    for device in view.devices:
        known, spec = device.facts, device.spec
        if known.address in view.fitting:
            parent = str(known.parent_address or known.address)
            kind = names.resource_class(
                spec.tags.get("resource_class"), known.vendor_id, known.product_id
            )
            is_declared = spec.live_migratable is LiveMigratable.YES
            marked = Marking.MARKED if is_declared else Marking.NOT_MARKED
            by_parent[parent, kind, marked].append(known.address in certain)
    return tuple(
        DeviceReport(None, parent, kind, sum(free), len(free), marked)
        for (parent, kind, marked), free in sorted(by_parent.items(), key=lambda item: item[0][:2])
    )


def _gaps(facts: Facts, destination: Destination) -> Iterator[Gap]:
    host, own = destination.host, destination.knowledge
    if not facts.devices_in_placement:
        known = facts.aliases or {}
        missing = [r.alias for r in facts.alias_requests if r.alias not in known]
        if missing:
            yield Gap(
                f"what alias {', '.join(missing)} means is not known",
                APIS_CONF,
            )
    for port in facts.ports:
        if port.kind is PortKind.SPECIAL or not port.is_bound:
            yield Gap(
                f"which devices can serve port {port.id} ({port.vnic_type}) is not known",
                paste(
                    "take the port away for the time",
                    f"openstack server remove port {facts.server.id} {port.id}",
                ),
            )
    if own.conf is None:
        yield Gap(
            f"the nova.conf of nova-compute on {host} is not given",
            conf_of(host),
        )
    fresh_facts = probe(host)
    if own.facts is None:
        yield Gap(f"the facts of host {host} are not given", fresh_facts)
    elif disbelief := facts.inputs.disbelief(host):
        yield Gap(disbelief, fresh_facts)
    elif reason := own.facts.missing_devices:
        yield Gap(f"the facts of {host} do not show every device: {reason}", fresh_facts)
    else:
        yield from _gaps_of_occupants(destination, own.facts.devices, fresh_facts)


def _gaps_of_occupants(
    destination: Destination, devices: tuple[DeviceFacts, ...], fresh_facts: str
) -> Iterator[Gap]:
    """Hold the facts against what nova says: a server that is shut off still has its devices."""
    if destination.occupants is None:
        return
    used = collections.Counter(d.user.uuid for d in devices if d.user is not None)
    for server_id, count in sorted(destination.occupants.devices_by_server.items()):
        if used[server_id] < count:
            yield Gap(
                f"the facts of {destination.host} show {used[server_id]} of the {count} devices "
                f"of server {server_id}, which nova has there",
                fresh_facts,
            )
    for move in destination.occupants.moves:
        yield Gap(
            f"the {move.kind} of server {move.server_id} from or to {destination.host} is not "
            f"over ({move.status}), and may hold devices there",
            paste("confirm it", f"openstack server resize confirm {move.server_id}")
            if move.status == "finished"
            else paste(
                "wait until it is over",
                f"openstack server migration list --server {move.server_id}",
            ),
        )
