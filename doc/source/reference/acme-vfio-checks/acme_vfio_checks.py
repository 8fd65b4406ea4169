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

"""A rule of the site for the preflight: a rack in maintenance takes no server."""

from vfio_lm.preflight import Destination, Facts, Outcome, Refuser
from vfio_lm.preflight.check import destination_check, failed, passed

PROPERTY = "acme_maintenance"


@destination_check(
    "acme-rack-maintenance",
    "Is no rack of the destination in maintenance?",
    refused_by=Refuser.NOWHERE,
    # The answer is the same for every server: the host and the aggregates alone decide it.
    depends_on=lambda facts: True,
)
def rack_maintenance(facts: Facts, destination: Destination) -> Outcome:
    """Look at the host aggregates of the destination; each rack is one."""
    racks = [
        aggregate.name
        for aggregate in facts.aggregates
        if destination.host in aggregate.hosts and aggregate.metadata.get(PROPERTY) == "true"
    ]
    if not racks:
        return passed("no rack of the host is in maintenance", racks=racks)
    return failed(
        f"{', '.join(racks)} is in maintenance",
        # What can be pasted stands on lines of its own that begin with two spaces.
        remedy="\n  ".join(
            (
                "when the work is done:",
                *(f"openstack aggregate unset --property {PROPERTY} {rack}" for rack in racks),
            )
        ),
        racks=racks,
    )
