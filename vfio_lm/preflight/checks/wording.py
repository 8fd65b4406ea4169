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

"""Sentences and remedies that several checks share."""

from __future__ import annotations

from vfio_lm.preflight.check import Outcome, not_applicable
from vfio_lm.preflight.facts import Facts

NOT_KNOWN_WHERE = (
    "placement offers no fitting devices there, and it is not known whether the scheduler asks it"
)
SCHEDULERS_CONF = "give the scheduler's nova.conf, with pci_in_placement: --nova-conf FILE"
APIS_CONF = "give the nova.conf of nova-api: --nova-conf FILE"


def no_alias_devices(facts: Facts) -> Outcome | None:
    """Answer for the checks that only concern servers with devices of an alias."""
    if facts.alias_requests:
        return None
    return not_applicable("the server holds no PCI device by an alias of its flavor")


def no_devices(facts: Facts) -> Outcome | None:
    """Answer for the checks that only concern servers with PCI devices, by alias or by port."""
    if facts.holds_devices:
        return None
    return not_applicable("the server holds no PCI device")


def probe(host: str) -> str:
    """Say how to get facts of a host."""
    return f"on {host}: vfio-lm-host probe -f json > {host}.json; then --host-facts {host}.json"
