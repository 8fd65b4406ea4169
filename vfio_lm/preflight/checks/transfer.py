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

"""Checks of how the source makes a transfer: what ends it, and over how many connections."""

from __future__ import annotations

from vfio_lm.cloud.model import Microversion
from vfio_lm.preflight.check import Outcome, Refuser, Scope, check, failed, passed, unknown, warned
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.wording.remedy import conf_of, in_nova_conf
from vfio_lm.preflight.wording.shared_answers import no_alias_devices

# Nova 33.0.0 (2026.1), the first with [libvirt]live_migration_parallel_connections.
_CONNECTIONS_SINCE: Microversion = (2, 103)

# hw/vfio/migration-multifd.c, and x-migration-multifd-transfer of hw_compat_9_2 in
# hw/core/machine.c
_STATE_IS_PARALLEL_SINCE = 10_000_000


@check(
    "timeout-action",
    Scope.SOURCE,
    "What happens to a live migration that takes too long?",
    refused_by=Refuser.QEMU,
    is_decisive=False,
)
def timeout_action(facts: Facts) -> Outcome:
    """Read what the source does after ``[libvirt]live_migration_completion_timeout``.

    Source: ``_live_migration_monitor`` in ``nova/virt/libvirt/driver.py`` and
    ``run_tasks`` in ``nova/virt/libvirt/migration.py`` (nova 31 to 34): with post-copy it
    switches to that, which QEMU does not do with VFIO devices; without, it pauses the guest.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    host = facts.server.host
    action = facts.inputs.timeout_action(host)
    if action is None:
        return unknown(
            "what the source does to a live migration that takes too long is not known",
            settled_by=conf_of(host),
        )
    evidence = {
        "timeout_action": action,
        "permit_post_copy": facts.inputs.permits_post_copy(host),
    }
    if action != "force_complete":
        return passed("the guest goes on running on the source then", **evidence)
    abort = in_nova_conf(host, "libvirt", "live_migration_timeout_action = abort")
    if evidence["permit_post_copy"]:
        return failed(
            f"{host} switches to post-copy then, and QEMU refuses it for VFIO devices",
            remedy=in_nova_conf(
                host,
                "libvirt",
                "live_migration_permit_post_copy = false",
                "live_migration_timeout_action = abort",
            ),
            **evidence,
        )
    return warned(
        f"{host} pauses the guest then, until its memory and the state of its devices are moved",
        remedy=abort,
        **evidence,
    )


@check(
    "parallel-connections",
    Scope.SOURCE,
    "Is the state of devices sent over the parallel connections that nova asks for?",
    refused_by=Refuser.NOWHERE,
    is_decisive=False,
)
def parallel_connections(facts: Facts) -> Outcome:
    """Hold the number of connections against the source's QEMU.

    All versions that nova takes send the memory over them. Before 10.0 the state of VFIO devices,
    which is sent while the guest stands still, goes over the main connection.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    if facts.nova_microversion < _CONNECTIONS_SINCE:
        return passed("this nova has no such option, and makes one connection")
    host, node = facts.server.host, facts.source.node
    connections = facts.inputs.parallel_connections(host)
    if connections is None:
        return unknown(
            "over how many connections the source sends is not known", settled_by=conf_of(host)
        )
    if connections <= 1:
        return passed("the source makes one connection", connections=connections)
    if node is None:
        return unknown(
            f"the source makes {connections} connections, and its QEMU is not known",
            settled_by=f"let nova list the hypervisor of {host}: openstack hypervisor list",
            connections=connections,
        )
    evidence = {"connections": connections, "version": node.hypervisor_version}
    if node.hypervisor_version < _STATE_IS_PARALLEL_SINCE:
        return warned(
            f"{host} makes {connections} connections, but QEMU before 10.0 sends the state of "
            f"devices over one of them while the guest stands still",
            remedy=f"upgrade QEMU on {host} to 10.0 or later, and start the server again there, or "
            f"do not count on these connections for a shorter pause",
            **evidence,
        )
    return passed(
        "QEMU sends the state of devices over them, for machine types of 10.0 and later", **evidence
    )
