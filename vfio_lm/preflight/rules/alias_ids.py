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

"""Whether devices in placement are what an alias asks for beside their class; pure, no verdict.

Placement knows a resource class and traits. Once it has offered a host, nova compares all else that
an alias says with the devices themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

from vfio_lm.cloud.model import Provider
from vfio_lm.pci import Alias, LiveMigratable
from vfio_lm.pci.matching import satisfies
from vfio_lm.preflight.facts import Destination, Facts


@dataclasses.dataclass(frozen=True)
class Shortage:
    """Too few of the free devices that placement would offer are what an alias asks for."""

    alias: str
    needed: int
    fitting: int
    """Free devices that fit beyond doubt."""
    perhaps: int
    """Those, and free devices of a PF with some that fit."""
    others: tuple[str, ...]
    """Addresses of the PFs and devices with such as do not fit."""


def kind_shortages(facts: Facts, destination: Destination) -> Iterator[Shortage]:
    """Yield the aliases that the devices of a host do not suffice for, as its facts tell them.

    A provider of whose devices nothing is known is not held against the host.

    Source: ``_filter_pools_for_spec`` in ``nova/pci/stats.py`` (nova 34.0.0).
    """
    known = facts.inputs.facts_of(destination.host)
    if known is None or known.missing_devices:
        return
    for request in facts.alias_requests:
        alias = (facts.aliases or {}).get(request.alias)
        if alias is None or len(alias.specs) != 1:
            continue
        (spec,) = alias.specs
        answers = [
            (device.free, device.provider, _fitting(alias, device.provider, destination))
            for device in destination.devices
            if device.resource_class == spec.resource_class
            and spec.traits <= device.provider.traits
        ]
        found = Shortage(
            alias=alias.name,
            needed=request.count,
            fitting=sum(free for free, _, fits in answers if all(fits)),
            perhaps=sum(free for free, _, fits in answers if any(fits) or not fits),
            others=tuple(str(each.pci_address) for _, each, fits in answers if not all(fits)),
        )
        if found.others and found.fitting < found.needed:
            yield found


def _fitting(alias: Alias, provider: Provider, destination: Destination) -> Collection[bool]:
    """Return whether each known device behind a provider is what an alias asks for.

    Whether it is declared live migratable is another question.
    """
    specs = (dataclasses.replace(alias.specs[0], live_migratable=LiveMigratable.UNSPECIFIED),)
    plain = dataclasses.replace(alias, specs=specs)
    known, address = destination.knowledge, provider.pci_address
    devices = known.facts.devices if known.facts else ()
    # Of a PF with VFs these are counted.
    behind = [d for d in devices if address == str(d.parent_address)]
    behind = behind or [d for d in devices if address == str(d.address)]
    return [
        satisfies(plain, device.device, spec)
        for device in behind
        if (spec := known.spec_of(device)) is not None and not spec.is_for_neutron
    ]
