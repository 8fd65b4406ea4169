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

"""Checks of the cloud as a whole."""

from __future__ import annotations

from vfio_lm.preflight.check import Outcome, Refuser, Scope, check, passed, unknown
from vfio_lm.preflight.checks.server import no_alias_devices
from vfio_lm.preflight.facts import Facts


@check(
    "pci-in-placement",
    Scope.CLOUD,
    "Can placement be asked for free devices?",
    refused_by=Refuser.NOWHERE,
)
def pci_in_placement(facts: Facts) -> Outcome:
    """See whether the server's own devices are in placement and the scheduler looks there.

    Source: ``[pci]report_in_placement`` (``nova/conf/pci.py``) and
    ``[filter_scheduler]pci_in_placement`` (``nova/conf/scheduler.py``, nova 34.0.0).
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    evidence = {
        "devices_held_in_placement": len(facts.source.devices),
        "filter_scheduler.pci_in_placement": facts.pci_in_placement,
    }
    if not facts.source.devices:
        return unknown(
            "the server's devices are not in placement, so no API tells which devices are free",
            settled_by="report PCI devices in placement ([pci]report_in_placement on the "
            "computes, [filter_scheduler]pci_in_placement for the scheduler)",
            **evidence,
        )
    if facts.pci_in_placement is False:
        return unknown(
            "the scheduler does not look into placement for PCI devices",
            settled_by="set [filter_scheduler]pci_in_placement for nova-api, nova-scheduler and "
            "nova-conductor",
            **evidence,
        )
    return passed("the server's devices are in placement", **evidence)
