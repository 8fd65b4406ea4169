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

"""Which flavors and servers use an alias; what the alias means is said elsewhere."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import CloudFlavor, Server
from vfio_lm.inventory.flavor import alias_use


@dataclasses.dataclass(frozen=True)
class AliasUsage:
    """Who uses one alias."""

    flavors: tuple[str, ...] = ()
    """Names of the flavors that ask for it now."""
    servers: tuple[str, ...] = ()
    """IDs of the servers whose own copy of their flavor asks for it."""


def alias_usage(
    flavors: Iterable[CloudFlavor], servers: Iterable[Server]
) -> Mapping[str, AliasUsage]:
    """Return the usage of every alias that a flavor or a server names."""
    by_flavor = _names_by_alias((f.name, f.flavor.extra_specs) for f in flavors)
    by_server = _names_by_alias((s.id, s.flavor.extra_specs) for s in servers)
    return {
        alias: AliasUsage(
            flavors=tuple(by_flavor.get(alias, ())), servers=tuple(by_server.get(alias, ()))
        )
        for alias in by_flavor.keys() | by_server.keys()
    }


def _names_by_alias(
    items: Iterable[tuple[str, Mapping[str, str]]],
) -> dict[str, list[str]]:
    found: collections.defaultdict[str, list[str]] = collections.defaultdict(list)
    for name, extra_specs in sorted(items, key=lambda item: item[0]):
        use = alias_use(extra_specs, None)
        for alias in dict.fromkeys(request.alias for request in use.requests) if use else ():
            found[alias].append(name)
    return found
