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

"""What nova's API, conductor and scheduler say when they refuse a live migration."""

from __future__ import annotations

import functools

from vfio_lm.error_texts.row import Certainty, Software, row

_row = functools.partial(row, software=Software.NOVA)

_OTHER_HOST = "choose another host: openstack vfio migration check SERVER"

ROWS = (
    _row(
        "alias-not-live-migratable",
        pattern=r"does not explicitly request live-migratable devices",
        cause="an alias that the server was created with does not have live_migratable=yes",
        check="alias-live-migratable",
        remedy="resize the server to a flavor whose aliases all have live_migratable=yes: "
        "openstack vfio server upgrade-plan",
        source="nova/conductor/tasks/live_migrate.py",
        since="31.0",
    ),
    _row(
        "alias-not-defined",
        pattern=r"PCI alias \S+ is not defined|Invalid PCI alias definition",
        cause="[pci]alias of the service that logged this is missing or invalid",
        check="alias-live-migratable",
        remedy="give nova-api, nova-scheduler and nova-compute the same [pci]alias: "
        "openstack vfio alias validate",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "forced-with-nested-allocations",
        pattern=r"complex allocations on the source host so move cannot be forced",
        cause="a host was forced, and nova cannot force a server whose devices are in placement",
        remedy="migrate again without force: openstack vfio migration start --host HOST SERVER",
        source="nova/scheduler/utils.py",
        since="25.0",
    ),
    _row(
        "forced-host-full",
        pattern=r"There is not enough capacity on the host for the instance",
        cause="a host was forced, and placement has no room for the server on it",
        check="destination-capacity",
        remedy=_OTHER_HOST,
        source="nova/scheduler/utils.py",
        since="25.0",
    ),
    _row(
        "too-many-retries",
        pattern=r"Exceeded max(?:imum number of retries| scheduling (?:retries|attempts))",
        cause="the hosts that the scheduler offered were refused one after the other",
        check="candidate-precision",
        remedy="give the alias the trait HW_PCI_LIVE_MIGRATABLE, so that only suitable hosts are "
        "offered, or raise [DEFAULT]migrate_max_retries of nova-conductor",
        certainty=Certainty.LIKELY,
        source="nova/conductor/tasks/live_migrate.py, nova/exception.py",
        since="25.0",
        is_fallback=True,
    ),
    _row(
        "no-allocation-candidates",
        pattern=r"Got no allocation candidates from the Placement API",
        cause="no host has everything that the request asks placement for: devices, memory, VCPUs "
        "and traits together",
        check="destination-capacity",
        remedy="see what each host lacks: openstack vfio migration check SERVER",
        source="nova/scheduler/manager.py",
        since="25.0",
    ),
    _row(
        "candidates-removed",
        pattern=r"scheduler removed every allocation candidate",
        cause="placement counts enough free devices on a host, but nova's own tracker has none "
        "that "
        "fits there",
        check="destination-devices",
        remedy="compare the two: openstack vfio device list, openstack vfio provider audit",
        certainty=Certainty.LIKELY,
        source="nova/scheduler/manager.py",
        since="27.0",
    ),
    _row(
        "filter-left-no-host",
        pattern=r"Filter (\w+) returned 0 hosts",
        cause="the scheduler's {0} left no host",
        check="destination-capacity",
        remedy="see what that filter asks of a host: openstack vfio migration check SERVER",
        source="nova/filters.py",
        since="25.0",
    ),
    _row(
        "filters-left-no-host",
        pattern=r"Filtering removed all hosts.{0,4000}'(\w+): \(start: \d+, end: 0\)'",
        cause="the scheduler's {0} left no host",
        check="destination-capacity",
        remedy="see what that filter asks of a host: openstack vfio migration check SERVER",
        source="nova/filters.py",
        since="25.0",
    ),
    _row(
        "host-lacks-devices",
        pattern=r"doesn't have the required PCI devices",
        cause="the scheduler passed over a host whose free devices do not match the request",
        check="destination-devices",
        remedy="see which devices are free and live-migratable: openstack vfio device list --free",
        certainty=Certainty.LIKELY,
        source="nova/scheduler/filters/pci_passthrough_filter.py",
        since="25.0",
    ),
    _row(
        "host-lacks-numa",
        pattern=r"fails NUMA topology requirements",
        cause="the scheduler passed over a host on which the server's NUMA topology does not fit",
        check="numa",
        remedy="choose a host with free CPUs, memory and devices on the right NUMA node",
        certainty=Certainty.LIKELY,
        source="nova/scheduler/filters/numa_topology_filter.py",
        since="25.0",
    ),
    _row(
        "service-silent",
        pattern=r"has not been heard from in a while",
        cause="the nova-compute of a host has not reported for a while, so the scheduler passed "
        "over the host",
        check="destination-service",
        remedy="start it: openstack compute service list --service nova-compute",
        certainty=Certainty.LIKELY,
        source="nova/scheduler/filters/compute_filter.py",
        since="25.0",
    ),
    _row(
        "service-down",
        pattern=r"Compute service of \S+ is unavailable|Timeout while checking if we can live "
        r"migrate",
        cause="the nova-compute of the source or of the destination did not answer",
        check="source-up",
        remedy="start it: openstack compute service list --service nova-compute",
        source="nova/exception.py, nova/conductor/tasks/live_migrate.py",
        since="25.0",
    ),
    _row(
        "rpc-timeout",
        pattern=r"Timed out waiting for a reply to message ID",
        cause="a service of nova got no answer from another one through the message queue",
        check="source-up",
        remedy="see whether nova-compute and the message queue are well: openstack compute service "
        "list; raise [DEFAULT]long_rpc_timeout if the host is only slow",
        certainty=Certainty.LIKELY,
        source="oslo_messaging/_drivers/amqpdriver.py",
        since="25.0",
    ),
    _row(
        "same-host",
        pattern=r"Unable to migrate instance \(.{0,200}\) to current host",
        cause="the destination was the host that the server is on",
        check="destination-service",
        remedy="choose another host: openstack vfio migration start --host HOST SERVER",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "across-cells",
        pattern=r"Unable to (?:force live migrate instance \S+ across cells|determine in which "
        r"cell)",
        cause="the destination is in another cell, and nova live migrates only inside one",
        remedy="choose a host of the same cell: nova-manage cell_v2 list_hosts",
        source="nova/conductor/tasks/live_migrate.py",
        since="25.0",
    ),
    _row(
        "hypervisor-too-old",
        pattern=r"requires a newer hypervisor version than has been provided",
        cause="QEMU on the destination is older than on the source",
        check="destination-hypervisor",
        remedy="upgrade QEMU on the destination, or choose another host",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "hypervisor-type",
        pattern=r"supplied hypervisor type of is invalid",
        cause="the destination has a hypervisor of another type",
        check="destination-hypervisor",
        remedy="choose another host: openstack hypervisor list --long",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "cpu-incompatible",
        pattern=r"Unacceptable CPU info",
        cause="the destination's CPU lacks something that the server's CPU model needs",
        check="destination-processor",
        remedy="choose another host, or give both the same [libvirt]cpu_mode and cpu_models",
        source="nova/exception.py",
        since="25.0",
    ),
)
