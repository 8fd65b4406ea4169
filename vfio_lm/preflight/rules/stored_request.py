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

"""Whether the aliases of today can be those that a server was made with; pure, no verdict.

Nova stores with a server what its aliases asked for when it was made or resized
(``InstancePCIRequests``). The conductor looks at that, and the destination claims by it; no API
shows it. What the server holds was given to it for that request: devices that the aliases of today
would not have given it show that these are others.
"""

from __future__ import annotations

from collections.abc import Mapping

from vfio_lm.pci import Alias
from vfio_lm.pci.matching import satisfies
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules.request import held_classes, requested_classes


def aliases_are_as_stored(facts: Facts) -> bool:
    """Whether the aliases of today are certainly those that the server was made with.

    A file that is older than the server proves it; one that is younger proves nothing.
    """
    if facts.aliases is None or facts.history.has_resize_given_up:
        return False
    changed, created = facts.inputs.aliases_changed_at, facts.server.created_at
    return changed is not None and created is not None and changed <= created


def contradiction(facts: Facts) -> str | None:
    """Say what the server holds that the aliases of today would not have given it.

    :returns: None where nothing speaks against them, or not all of them are known
    """
    aliases = facts.aliases or {}
    if any(request.alias not in aliases for request in facts.alias_requests):
        return None
    if facts.devices_in_placement:
        return other_class(facts)
    return _other_device(facts, {r.alias: aliases[r.alias] for r in facts.alias_requests})


def other_class(facts: Facts) -> str | None:
    """Say that the devices in placement are of another kind; None where they are not."""
    wanted = requested_classes(facts.alias_requests, facts.aliases)
    held = held_classes(facts.source.devices)
    # A wrong number has other reasons than another alias.
    if wanted is None or sum(held.values()) != sum(wanted.values()) or held == wanted:
        return None
    return f"the aliases of today ask for {dict(wanted)}, the server holds {dict(held)}"


def _other_device(facts: Facts, aliases: Mapping[str, Alias]) -> str | None:
    """Hold the devices that the host's facts show against the aliases, as nova would."""
    host, own = facts.server.host, facts.source.knowledge
    if own.conf is None or facts.inputs.facts_of(host) is None:
        return None
    for device in own.devices_of_server(facts.server.id):
        spec = own.spec_of(device)
        if spec is None or spec.is_for_neutron:
            continue
        if not any(satisfies(alias, device.device, spec) for alias in aliases.values()):
            return (
                f"with its tags of today, {device.address} on {host} is not what "
                f"{', '.join(aliases)} asks for, and the server has it"
            )
    return None
