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

"""Keeps all that a server has claimed on a host; nova forgets the first claim at the second.

A server with devices of an alias and with an SR-IOV port makes two claims on the destination of
a live migration. The second takes the place of the first (``self.claims[instance_uuid] =
devs``), so that the first devices are never allocated, and never given back: they stay
``claimed``, for a server that may be gone, until nova-compute restarts. Of two claims in a row,
one of them of a live migration that was refused, the same becomes.

Nova 31.0.0 to 34.0.0 have the same function, but for its annotations.
"""

from __future__ import annotations

import collections
import types
from typing import Any

from vfio_lm.inside_nova.corrections.correction import Correction
from vfio_lm.inside_nova.corrections.source import with_lines_replaced

_OLD = "            self.claims[instance_uuid] = devs\n"
_NEW = "            self.claims[instance_uuid] = [*self.claims.get(instance_uuid, ()), *devs]\n"


def _is_right(function: Any) -> bool:
    """Claim two devices for one server, one after the other."""
    devices = ["first", "second"]
    tracker = types.SimpleNamespace(
        pci_devs=devices,
        claims=collections.defaultdict(list),
        _claim_instance=lambda context, requests, topology: [devices[len(claimed)]],
    )
    claimed: list[Any] = []
    for _ in devices:
        requests = types.SimpleNamespace(requests=["any"], instance_uuid="server")
        claimed.append(function(tracker, None, requests, None))
    if claimed != [["first"], ["second"]]:
        raise TypeError(f"{function} claims {claimed}")
    return bool(tracker.claims["server"] == devices)


CORRECTION = Correction(
    name="second-claim",
    fault="devices that a server claims before others are never allocated, and never given back",
    module="nova.pci.manager",
    function="PciDevTracker.claim_instance",
    # 31.0.0 to 32.2.1; 33.0.0 to 34.0.0
    faulty=frozenset({"01638ef8b0fb", "2eebbb58ebac"}),
    is_right=_is_right,
    corrected=lambda function: with_lines_replaced(function, _OLD, _NEW),
)
