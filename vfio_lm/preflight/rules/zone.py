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

"""Whether the zone that a server is bound to admits a host; no I/O."""

from __future__ import annotations

from vfio_lm.preflight.facts import Destination, Facts


def is_in_zone(facts: Facts, destination: Destination) -> bool:
    """Whether the zone that a server is bound to, if any, admits a host.

    A zone that no aggregate makes, nova's default for instance, admits all hosts
    (``map_az_to_placement_aggregate`` in ``nova/scheduler/request_filter.py``, nova 34.0.0).
    """
    zone = facts.server.pinned_availability_zone
    members = [a for a in facts.aggregates if zone is not None and a.zone == zone]
    return not members or any(destination.host in a.hosts for a in members)
