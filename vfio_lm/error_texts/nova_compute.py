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

"""What nova-compute says of a live migration: claims, ports, storage, time limits."""

from __future__ import annotations

import functools

from vfio_lm.error_texts.row import Software, row

_row = functools.partial(row, software=Software.NOVA)

_OTHER_HOST = "choose another host: openstack vfio migration check SERVER"

ROWS = (
    _row(
        "no-device-claimed",
        # nova's record cuts the text of the request short
        pattern=r"Claim pci failed|PCI device request |"
        r"Failed to allocate PCI devices for instance",
        cause="the destination had no free device that fits when nova-compute claimed one",
        check="destination-devices",
        remedy="free devices there, or choose another host: openstack vfio device list --free",
        source="nova/compute/claims.py, nova/exception.py, nova/pci/stats.py",
        since="25.0",
    ),
    _row(
        "device-in-another-state",
        pattern=r"PCI device \d+:\S+ is \w+ instead of|Not all Virtual Functions of PF \S+ are "
        r"free|"
        r"Physical Function \S+, related to VF \S+ is \w+ instead of|Attempt to consume PCI device|"
        r"PCI device \d+:\S+ is owned by \S+ instead of",
        cause="nova-compute's record of the device contradicts the claim: it is held by another "
        "server or by a migration that was not cleaned up",
        check="destination-devices",
        remedy="find out who holds it: openstack vfio device show; then restart nova-compute, "
        "which "
        "compares its records with the host",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "device-not-tracked",
        pattern=r"PCI Device \d+:\S+ not found",
        cause="nova-compute does not know the device: [pci]device_spec of that host does not "
        "match it, or the device has gone",
        check="destination-devices",
        remedy="on that host: vfio-lm-host probe; openstack vfio alias validate",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "numa-with-devices-does-not-fit",
        pattern=r"NUMA topology together with requested PCI devices cannot fit",
        cause="no NUMA node of the destination has both the server's CPUs and memory and a free "
        "device",
        check="numa",
        remedy="choose a host with free devices on the right NUMA node, or relax "
        "hw:pci_numa_affinity_policy or the alias's numa_policy",
        source="nova/compute/claims.py",
        since="25.0",
    ),
    _row(
        "numa-does-not-fit",
        pattern=r"NUMA topology cannot fit",
        cause="the server's NUMA topology does not fit on the destination",
        check="numa",
        remedy="choose a host with enough free CPUs and memory on each NUMA node",
        source="nova/compute/claims.py",
        since="25.0",
    ),
    _row(
        "numa-with-old-compute",
        pattern=r"Instance has an associated NUMA topology, cell contains",
        cause="the server has a NUMA topology, and a nova-compute of the cell is older than Train",
        check="numa",
        remedy="upgrade that nova-compute, or delete its record: openstack compute service list",
        source="nova/conductor/tasks/live_migrate.py",
        since="25.0",
    ),
    _row(
        "page-size-unsupported",
        pattern=r"Page size \S+ is not supported by the host|"
        r"Host does not support guests with (?:custom memory page sizes|NUMA topology)",
        cause="the destination has no memory pages of the size that the server asks for",
        check="numa",
        remedy="reserve huge pages of that size on the destination, or choose another host",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "page-size-differs",
        pattern=r"Requested page size is different from current page size",
        cause="hw:mem_page_size is not a number, and the destination would give another page size "
        "than the source",
        check="numa",
        remedy="choose a host with the same page size, or name it as a number in the flavor",
        source="nova/compute/claims.py",
        since="25.0",
    ),
    _row(
        "group-policy",
        pattern=r"affinity instance group policy was violated",
        cause="the destination breaks the policy of the server's group",
        check="destination-group",
        remedy="choose another host; a member whose resize is not confirmed counts there, too: "
        "openstack server group show GROUP",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "no-capacity",
        pattern=r"Lack of memory\(host|Insufficient compute resources(?!.{0,40}(?:NUMA|page|pci))",
        cause="the destination lacks memory or another resource",
        check="destination-capacity",
        remedy=_OTHER_HOST,
        source="nova/conductor/tasks/live_migrate.py, nova/exception.py",
        since="25.0",
    ),
    _row(
        "storage",
        pattern=r"is not on (?:shared|local) storage|Block migration can not be used with shared "
        r"storage",
        cause="the disks of the server cannot move in this way",
        remedy="leave the choice to nova: neither --shared-migration nor --block-migration",
        source="nova/exception.py, nova/virt/libvirt/driver.py",
        since="25.0",
    ),
    _row(
        "disk-too-large",
        pattern=r"Disk of instance is too large",
        cause="the destination has no room for the local disks of the server",
        check="destination-capacity",
        remedy="free disk space there, choose another host, or use shared storage",
        source="nova/virt/libvirt/driver.py",
        since="25.0",
    ),
    _row(
        "disk-exists",
        pattern=r"supplied disk path \(.{0,200}\) already exists, it is expected not to exist",
        cause="a disk of an earlier migration was left on the destination",
        remedy="see what is left there, and remove it: ls /var/lib/nova/instances/SERVER",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "port-binding",
        pattern=r"Binding failed for port|port binding extension|"
        r"Failed to activate binding for port|vif_type=binding_failed",
        cause="neutron could not bind a port of the server at the destination",
        check="port-binding",
        remedy="see the log of neutron-server, and the ports: openstack port list --server SERVER",
        source="nova/exception.py, nova/conductor/tasks/live_migrate.py",
        since="25.0",
    ),
    _row(
        "port-not-plugged",
        pattern=r"Timed out waiting for events|Timeout waiting for .{0,200}network-vif-plugged|"
        r"Virtual (?:interface plugin|Interface creation) failed",
        cause="the destination's network agent did not report a port of the server as plugged",
        check="port-binding",
        remedy="see the agent of the destination: openstack network agent list --host HOST",
        source="nova/compute/manager.py, nova/exception.py",
        since="25.0",
    ),
    _row(
        "arrival-not-finished",
        pattern=r"Post live migration at destination \S+ failed",
        cause="the guest has moved, and nova-compute on the destination did not find it there, or "
        "could not finish what is left to do",
        remedy="see whether the guest runs on the destination: virsh list; then "
        "openstack vfio migration check SERVER",
        source="nova/compute/manager.py",
        since="25.0",
    ),
    _row(
        "old-compute-with-direct-port",
        pattern=r"source and destination nodes do not support the operation",
        cause="a nova-compute is too old to live migrate a server with a direct port",
        check="port-binding",
        remedy="upgrade nova-compute on the source and the destination",
        source="nova/conductor/tasks/live_migrate.py",
        since="25.0",
    ),
    _row(
        "feature-not-migratable",
        pattern=r"Cannot live migrate with virtual persistent memory|"
        r"Operation '\S+' not supported for (?:SEV|vTPM|instance with vDPA)",
        cause="the server has something that nova does not live migrate",
        check="server-features",
        remedy="use a flavor and an image without it, or migrate cold: openstack server migrate",
        source="nova/conductor/tasks/live_migrate.py, nova/exception.py",
        since="25.0",
    ),
    _row(
        "mdev-types",
        pattern=r"Source mdev(?: types|s) .{0,200} are not (?:supported by|fully mapped for) this "
        r"compute",
        cause="the destination does not offer the mediated device types that the server uses",
        remedy="enable the same types on the destination: [devices]enabled_mdev_types",
        source="nova/virt/libvirt/driver.py",
        since="29.0",
    ),
    _row(
        "platform-too-old-for-mdevs",
        pattern=r"Either libvirt or QEMU version for compute service",
        cause="libvirt or QEMU of the host in the message is too old to migrate mediated devices",
        check="destination-hypervisor",
        remedy="upgrade libvirt and QEMU on that host",
        source="nova/virt/libvirt/driver.py",
        since="29.0",
    ),
    _row(
        "placement-failed",
        pattern=r"Unable to communicate with the Placement API|"
        r"Failed to (?:move|create|update|delete) allocations (?:from|for) (?:consumer|instance)",
        cause="placement did not answer, or refused to change the server's allocations",
        remedy="see the log of placement, then look for leftovers: nova-manage placement audit",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "pci-not-reported",
        pattern=r"Failed to gather or report PCI resources to Placement|"
        r"in \[pci\]device_spec is not supported\. Either the parent PF|"
        r"VFs from the same PF cannot be configured with different",
        cause="nova-compute could not report its devices to placement: [pci]device_spec is "
        "inconsistent, or a device that a server uses is no longer in it",
        check="pci-in-placement",
        remedy="on that host: openstack vfio alias validate; the message names the devices",
        source="nova/exception.py",
        since="26.0",
    ),
    _row(
        "hypervisor-unreachable",
        pattern=r"Connection to the hypervisor is broken",
        cause="nova-compute lost its connection to libvirt",
        remedy="on that host: systemctl status libvirtd virtqemud; virsh -c qemu:///system list",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "no-migration-uri",
        pattern=r"No live migration URI configured",
        cause="nova-compute does not know how to reach libvirt on the destination",
        remedy="set [libvirt]live_migration_scheme, or live_migration_inbound_addr on the "
        "destination",
        source="nova/exception.py",
        since="25.0",
    ),
    _row(
        "completion-timeout",
        pattern=r"Live migration not completed after \d+ sec",
        cause="it took longer than [libvirt]live_migration_completion_timeout, and nova-compute "
        "ended it",
        check="downtime-fits",
        remedy="raise live_migration_completion_timeout or live_migration_downtime on the source, "
        "or migrate when the server writes less",
        source="nova/virt/libvirt/migration.py",
        since="25.0",
    ),
    _row(
        "server-state",
        pattern=r"Cannot '\S+' instance \S+ while it is in (?:vm_state|task_state|power_state) \w+|"
        r"Instance \S+ in (?:vm_state|task_state|power_state) \S+\. Cannot \S+",
        cause="the server was in a state in which nova does not live migrate it",
        check="server-state",
        remedy="see its state, and bring it back: openstack vfio migration check SERVER",
        source="nova/exception.py, nova/api/openstack/common.py",
        since="25.0",
    ),
)
