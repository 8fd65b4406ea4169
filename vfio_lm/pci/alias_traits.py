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

"""What an alias means for placement and for live migration; what devices can do is not asked."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import os_traits

from vfio_lm.pci import Alias, AliasRequest, LiveMigratable


class Meaning(enum.Enum):
    """What all aliases of a flavor together say about live migration."""

    YES = "yes"
    """Every alias says yes, so nova live migrates the servers of the flavor."""
    NO = "no"
    """Every alias says no."""
    MIXED = "mixed"
    """The aliases differ, so nova does not."""
    UNSPECIFIED = "unspecified"
    """No alias says anything, so nova does not."""
    ALIAS_UNKNOWN = "alias unknown"
    """The definition of an alias is not at hand; no API shows it."""
    MALFORMED = "malformed"
    """The extra spec is not of the form that nova reads."""


_MEANINGS = {
    LiveMigratable.YES: Meaning.YES,
    LiveMigratable.NO: Meaning.NO,
    LiveMigratable.UNSPECIFIED: Meaning.UNSPECIFIED,
}

_VALUES = {LiveMigratable.YES: "required", LiveMigratable.NO: "forbidden"}

#: The extra spec that :func:`flavor_traits` is about.
HOST_TRAIT_EXTRA_SPEC = f"trait:{os_traits.HW_PCI_LIVE_MIGRATABLE}"


def flavor_traits(alias: Alias) -> Mapping[str, str]:
    """Return the traits that a flavor with this alias may require or forbid of the **host**.

    An extra spec ``trait:HW_PCI_LIVE_MIGRATABLE=required|forbidden`` applies to the compute
    node's root provider, not to the provider of the device (nova puts it into the unsuffixed
    request group). nova itself reports the trait on PCI providers only: the extra spec is right
    only in a cloud where somebody keeps the trait on the roots, and elsewhere no host is left.

    :returns: ``required`` or ``forbidden`` by trait; nothing for an alias that says nothing
    """
    value = _VALUES.get(alias.live_migratable)
    return {os_traits.HW_PCI_LIVE_MIGRATABLE: value} if value else {}


def meaning(requests: Iterable[AliasRequest], aliases: Mapping[str, Alias] | None) -> Meaning:
    """Say what the aliases that a flavor asks for mean for the live migration of its servers.

    :param requests: at least one
    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    """
    names = {request.alias for request in requests}
    if aliases is None or not names <= aliases.keys():
        return Meaning.ALIAS_UNKNOWN
    said = {aliases[name].live_migratable for name in names}
    return _MEANINGS[said.pop()] if len(said) == 1 else Meaning.MIXED
