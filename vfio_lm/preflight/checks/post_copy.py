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

"""The check of post-copy, which QEMU does not do with VFIO devices."""

from __future__ import annotations

from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    destination_check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.request import asks_for_devices
from vfio_lm.preflight.wording.remedy import conf_of, in_nova_conf
from vfio_lm.preflight.wording.shared_answers import no_alias_devices

_ID = "post-copy-off"


@check(
    _ID,
    Scope.SOURCE,
    "Does the source move servers without post-copy?",
    refused_by=Refuser.QEMU,
    is_decisive=False,
)
def _source(facts: Facts) -> Outcome:
    """Read the option of the source, which sets the flags of the migration.

    Source: ``LibvirtDriver._parse_migration_flags`` in ``nova/virt/libvirt/driver.py`` (nova
    34.0.0). QEMU refuses when the migration is running already.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    host = facts.server.host
    permitted = facts.inputs.permits_post_copy(host)
    if permitted is None:
        return _not_known(host)
    if permitted:
        return failed(
            f"{host} permits post-copy, and QEMU refuses it for VFIO devices",
            remedy=_switch_off(host),
            permit_post_copy=True,
        )
    return passed("post-copy is off", permit_post_copy=False)


@destination_check(
    _ID,
    "Could the server come back from there without post-copy?",
    refused_by=Refuser.NOWHERE,
    is_decisive=False,
    depends_on=asks_for_devices,
)
def _destination(facts: Facts, destination: Destination) -> Outcome:
    """Read the option of the destination, which counts only when the server leaves it again."""
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    permitted = facts.inputs.permits_post_copy(destination.host)
    if permitted is None:
        return _not_known(destination.host)
    if permitted:
        return warned(
            f"{destination.host} permits post-copy: the server could not leave it again",
            remedy=_switch_off(destination.host),
            permit_post_copy=True,
        )
    return passed("post-copy is off", permit_post_copy=False)


#: One question, asked of the source and of each destination.
post_copy_off = (_source, _destination)


def _not_known(host: str) -> Outcome:
    return unknown(
        "whether post-copy is permitted is not known",
        settled_by=conf_of(host),
    )


def _switch_off(host: str) -> str:
    return in_nova_conf(host, "libvirt", "live_migration_permit_post_copy = false")
