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

"""PCI flavors: what they ask for, who uses them, and how to change that; nothing is fetched."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping

from vfio_lm.cloud.model import CloudFlavor, Server
from vfio_lm.errors import VfioLmError
from vfio_lm.pci import Alias, AliasRequest, parse_alias_requests
from vfio_lm.pci.alias import AliasError
from vfio_lm.pci.alias_traits import HOST_TRAIT_EXTRA_SPEC, Meaning, flavor_traits, meaning
from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
from vfio_lm.text import counted, whole_number

GROUP_POLICY_EXTRA_SPEC = "group_policy"

#: The extra specs that say something about the devices of aliases, or follow from them.
PCI_EXTRA_SPECS = frozenset({ALIAS_EXTRA_SPEC, HOST_TRAIT_EXTRA_SPEC, GROUP_POLICY_EXTRA_SPEC})


class FlavorError(VfioLmError):
    """A flavor cannot be made or changed as asked."""


@dataclasses.dataclass(frozen=True)
class AliasUse:
    """What a flavor, or the copy of it in a server, asks for by alias."""

    requests: tuple[AliasRequest, ...]
    meaning: Meaning

    by_alias: Mapping[str, Meaning] = dataclasses.field(default_factory=dict)
    """What each alias says, by its name."""

    @property
    def counts(self) -> dict[str, int]:
        """Devices by the name of the alias."""
        return _counts(self.requests)


def _counts(requests: Iterable[AliasRequest]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for request in requests:
        counts[request.alias] = counts.get(request.alias, 0) + request.count
    return counts


def alias_use(
    extra_specs: Mapping[str, str], aliases: Mapping[str, Alias] | None
) -> AliasUse | None:
    """Return what extra specs ask for by alias, or None if they ask for nothing.

    One malformed flavor is no reason to show none at all: it has the meaning MALFORMED.

    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    """
    try:
        requests = parse_alias_requests(extra_specs)
    except AliasError:
        return AliasUse(requests=(), meaning=Meaning.MALFORMED)
    if not requests:
        return None
    return AliasUse(
        requests=requests,
        meaning=meaning(requests, aliases),
        by_alias={request.alias: meaning([request], aliases) for request in requests},
    )


@dataclasses.dataclass(frozen=True)
class PciFlavor:
    """A flavor with devices of aliases, and how many servers run on it."""

    flavor: CloudFlavor
    use: AliasUse
    servers: int
    outdated_servers: int
    """Those of them that asked for other devices when they were made; they keep these."""


def pci_flavors(
    flavors: Iterable[CloudFlavor],
    servers: Iterable[Server],
    aliases: Mapping[str, Alias] | None,
) -> tuple[PciFlavor, ...]:
    """Return the flavors that ask for devices by alias.

    A server has a copy of its flavor, whose name is all that leads back to the flavor.
    """
    by_name: dict[str, list[Server]] = collections.defaultdict(list)
    for server in servers:
        by_name[server.flavor.name].append(server)
    found = []
    for flavor in flavors:
        use = alias_use(flavor.flavor.extra_specs, aliases)
        if use is None:
            continue
        now = flavor.flavor.extra_specs[ALIAS_EXTRA_SPEC]
        users = by_name[flavor.name]
        stored = [server.flavor.extra_specs.get(ALIAS_EXTRA_SPEC) for server in users]
        found.append(
            PciFlavor(
                flavor=flavor,
                use=use,
                servers=len(users),
                outdated_servers=sum(then != now for then in stored),
            )
        )
    return tuple(found)


def parse_counts(items: Iterable[str]) -> dict[str, int]:
    """Read ``NAME[:COUNT]``; the number of devices by alias, 1 where none is given.

    :raises FlavorError: if an item has another form, asks for no device, or names an alias again;
        nova splits the extra spec at commas and colons, so that no name may have one
    """
    counts: dict[str, int] = {}
    for item in items:
        name, colon, count = item.partition(":")
        name = name.strip()
        number = whole_number(count) if colon else 1
        if not name or "," in name or not number:
            raise FlavorError(f"'{item}' is not of the form NAME or NAME:COUNT")
        if name in counts:
            raise FlavorError(f"alias '{name}' is given more than once")
        counts[name] = number
    return counts


def current_counts(extra_specs: Mapping[str, str]) -> dict[str, int]:
    """Return the number of devices by alias that extra specs ask for.

    :raises vfio_lm.pci.alias.AliasError: if nova could not read them
    """
    return _counts(parse_alias_requests(extra_specs))


@dataclasses.dataclass(frozen=True)
class FlavorChange:
    """What is to change in a flavor's extra specs."""

    set: Mapping[str, str]
    unset: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to change."""
        return not (self.set or self.unset)

    @property
    def is_about_devices(self) -> bool:
        """Whether the flavor would ask for other devices."""
        return ALIAS_EXTRA_SPEC in (*self.set, *self.unset)


def change(before: Mapping[str, str], after: Mapping[str, str]) -> FlavorChange:
    """Return what leads from one set of extra specs to another."""
    return FlavorChange(
        set={key: value for key, value in after.items() if before.get(key) != value},
        unset=tuple(sorted(before.keys() - after.keys())),
    )


def desired_specs(
    extra_specs: Mapping[str, str],
    counts: Mapping[str, int],
    *,
    group_policy: str | None = None,
    host_trait: bool = False,
    aliases: Mapping[str, Alias] | None = None,
) -> dict[str, str]:
    """Return extra specs that ask for these numbers of devices, by alias, and no others.

    :param extra_specs: as they are; what is not about devices stays
    :param group_policy: whether the devices must come from different providers, if not as it is
    :param host_trait: whether to ask for the trait of the host that the aliases need
    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    :raises FlavorError: if an alias is not defined that was not asked for before, or the trait
        is not known
    """
    if aliases is not None:
        before = alias_use(extra_specs, aliases)
        _refuse_undefined(counts.keys() - (before.counts.keys() if before else set()), aliases)
    desired = {key: value for key, value in extra_specs.items() if key != ALIAS_EXTRA_SPEC}
    if counts:
        desired[ALIAS_EXTRA_SPEC] = ",".join(f"{name}:{n}" for name, n in counts.items())
    if group_policy is not None:
        desired[GROUP_POLICY_EXTRA_SPEC] = group_policy
    if host_trait:
        desired.pop(HOST_TRAIT_EXTRA_SPEC, None)
        desired |= _host_traits(counts, aliases)
    return desired


def without(
    extra_specs: Mapping[str, str],
    aliases: Collection[str],
    *,
    group_policy: bool = False,
    host_trait: bool = False,
) -> dict[str, str]:
    """Return extra specs that ask for no device of these aliases.

    :param group_policy: whether to take the policy away as well
    :param host_trait: whether to take away what is asked of the host
    """
    left = dict(extra_specs)
    if aliases:
        counts = current_counts(extra_specs)
        left = desired_specs(left, {n: c for n, c in counts.items() if n not in aliases})
    if group_policy:
        left.pop(GROUP_POLICY_EXTRA_SPEC, None)
    if host_trait:
        left.pop(HOST_TRAIT_EXTRA_SPEC, None)
    return left


def _refuse_undefined(names: Iterable[str], aliases: Mapping[str, Alias]) -> None:
    if unknown := sorted(name for name in names if name not in aliases):
        raise FlavorError(
            f"alias {', '.join(unknown)} is not defined; the nova.conf given defines: "
            f"{', '.join(sorted(aliases)) or 'none'}"
        )


def _host_traits(names: Collection[str], aliases: Mapping[str, Alias] | None) -> dict[str, str]:
    """Return what the aliases together need of a host, as extra specs."""
    if aliases is None:
        raise FlavorError(
            "which trait the host needs is only known with the definition of the aliases: give "
            "the nova.conf that has it (--nova-conf)"
        )
    _refuse_undefined(names, aliases)
    found: dict[str, str] = {}
    for name in names:
        for trait, value in flavor_traits(aliases[name]).items():
            if found.setdefault(f"trait:{trait}", value) != value:
                raise FlavorError(
                    "one alias needs a host with live migratable devices and another a host "
                    "without, and no host is both: leave --host-trait out"
                )
    return found


def keeps_host_trait(wanted: FlavorChange, after: Mapping[str, str]) -> bool:
    """Tell whether a flavor's devices change, but not what it asks of hosts on their behalf."""
    return (
        wanted.is_about_devices
        and HOST_TRAIT_EXTRA_SPEC in after
        and HOST_TRAIT_EXTRA_SPEC not in wanted.set
    )


def refuse_while_in_use(flavor: CloudFlavor, servers: Iterable[Server]) -> None:
    """Raise if servers run on a flavor whose devices are to change.

    What a server asked for is stored with it, so that the change would not reach it, and nova
    does not resize a server to the flavor that it has already.

    :raises FlavorError: with the number of servers
    """
    if count := sum(server.flavor.name == flavor.name for server in servers):
        raise FlavorError(
            f"flavor '{flavor.name}' is in use by {counted(count, 'server')}, and what a server "
            f"asked for is stored with it: create another flavor and resize to it, or change this "
            f"one for new servers only (--force)"
        )
