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

"""What is said of nova's own word: sentences and remedies; what follows from it is elsewhere."""

from __future__ import annotations

from vfio_lm.pci.nova_word import Decider, Ending, NovaDestination, Objection
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.wording.remedy import check_again, paste, steps

_FILE = "nova-says.json"

_ENDS = {
    Ending.REFUSED: "nova refuses it",
    Ending.ERROR: "nova would put the server into ERROR, though its guest runs on",
    Ending.MISMAPPED: "nova would leave addresses of the source's devices in the guest",
    Ending.DEPENDS: "nova accepts it or not, by which devices placement names first",
}

#: What to do about an objection, by the name of nova's filter or exception.
_WAYS = {
    "PciDeviceRequestFailed": (
        "name a host that nova accepts with --host; or run nova-compute there with the correction "
        "claim-requests ('vfio-lm-nova-compute'), which takes the devices that placement chose"
    ),
    "GroupAffinityViolation": paste(
        "confirm or revert the resize of the other members of the server group, as SERVER",
        "openstack server resize confirm SERVER",
    ),
    "NUMATopologyFilter": paste(
        "free processors, pages or devices of one NUMA node there; on a controller, see what is "
        "free of each",
        "vfio-lm-nova --facts",
    ),
    "PciPassthroughFilter": paste(
        "free devices there; on a controller, see what nova has free of each PF",
        "vfio-lm-nova --facts",
    ),
}


def contradicted(message: str) -> str:
    """Say that nova accepts what a check objects to."""
    return f"{message}; but nova itself accepts it, and decides"


def outdated(message: str) -> str:
    """Say that nova accepted, some time ago, what a check objects to now."""
    return f"{message}; nova accepted it when it was asked, which was not just now"


def ask_again(facts: Facts) -> str:
    """Say how to get nova's word, and how to give it to the preflight."""
    host = f"--host {facts.requested_host} " if facts.requested_host else ""
    return steps(
        paste("on a controller", f"vfio-lm-nova {host}{facts.server.id} > {_FILE}"),
        check_again(f"--nova-says {_FILE}"),
    )


def ending(ends: Ending, objections: tuple[Objection, ...]) -> str:
    """Say how a live migration that nova does not accept ends, and why."""
    reasons = "; ".join(dict.fromkeys(map(_reason, objections)))
    return f"{_ENDS[ends]}: {reasons}" if reasons else _ENDS[ends]


def way_on(facts: Facts, objections: tuple[Objection, ...]) -> str:
    """Say what to do about nova's objections; what else is in the way says more where it can."""
    ways = dict.fromkeys(
        _WAYS[each.name] for each in objections if each.name is not None and each.name in _WAYS
    )
    host = f"--host {facts.requested_host} " if facts.requested_host else ""
    return steps(
        *ways,
        paste(
            "on a controller, see all that nova says of it",
            f"vfio-lm-nova {host}{facts.server.id}",
        ),
    )


def mismapped(destination: NovaDestination) -> str:
    """Say what to do where nova would give the guest other devices."""
    return (
        "do not live migrate the server there; run nova-compute on both hosts with the correction "
        f"pci-addresses ('vfio-lm-nova-compute'), {destination.host} included"
    )


def _reason(objection: Objection) -> str:
    name = f"{objection.name}: " if objection.name else ""
    if objection.decider is Decider.FILTER and not objection.reason:
        return f"the filter {objection.name} leaves the host out"
    return f"{name}{objection.reason}"
