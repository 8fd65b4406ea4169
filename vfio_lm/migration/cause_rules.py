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

"""The words of nova, libvirt, QEMU and the kernel by which the cause of a failure is known."""

from __future__ import annotations

import dataclasses
import enum
import re


class Certainty(enum.Enum):
    """How sure a cause is."""

    CERTAIN = "certain"
    """The platform says so itself, about this very migration."""
    LIKELY = "likely"
    """Everything that was seen fits, and nothing better is known."""
    POSSIBLE = "possible"
    """It would explain what was seen, and so would other things."""


@dataclasses.dataclass(frozen=True)
class CauseRule:
    """Words by which a cause is known."""

    id: str
    pattern: re.Pattern[str]
    sentence: str
    """May have ``{0}``, which stands for the first group of the pattern."""
    check: str
    remedy: str
    certainty: Certainty = Certainty.CERTAIN
    is_fallback: bool = False
    """Whether it only counts where nothing else is known."""


def _rule(
    id_: str,
    pattern: str,
    sentence: str,
    *,
    check: str = "",
    remedy: str,
    certainty: Certainty = Certainty.CERTAIN,
    is_fallback: bool = False,
) -> CauseRule:
    compiled = re.compile(pattern, re.IGNORECASE)
    return CauseRule(id_, compiled, sentence, check, remedy, certainty, is_fallback)


_BIND = "bind the VF to its variant driver on the source: vfio-lm-host probe shows the drivers"

#: The first rule of a text wins, so that the special ones stand before the general ones. Sources:
#: nova/exception.py, nova/conductor/tasks/live_migrate.py, nova/compute/claims.py,
#: nova/scheduler/utils.py, nova/virt/libvirt (nova 34.0.0, and the same words in 31.3.1, 32.2.1
#: and 33.0.2); libvirt 9.0 and 11.3, QEMU 7.2 and
#: 10.0 as measured; hw/vfio/migration.c and hw/vfio/common.c (QEMU 8.0 to 9.2).
RULES: tuple[CauseRule, ...] = (
    _rule(
        "alias-not-live-migratable",
        r"does not explicitly request live-migratable devices",
        "an alias that the server was made with does not have live_migratable=yes",
        check="alias-live-migratable",
        remedy="resize the server to a flavor whose aliases all have live_migratable=yes: "
        "openstack vfio server upgrade-plan",
    ),
    _rule(
        "forced-with-nested-allocations",
        r"complex allocations on the source host so move cannot be forced",
        "a host was forced, and nova cannot force a server whose devices are in placement",
        remedy="migrate again without force: openstack vfio migration start --host HOST",
    ),
    _rule(
        "too-many-retries",
        r"Exceeded max(?:imum number of retries| scheduling retries)",
        "the hosts that the scheduler offered were refused one after the other",
        check="candidate-precision",
        remedy="give the alias the trait HW_PCI_LIVE_MIGRATABLE, so that only fitting hosts are "
        "offered, or raise [DEFAULT]migrate_max_retries of nova-conductor",
    ),
    _rule(
        "service-down",
        r"Compute service of \S+ is unavailable|Timeout while checking if we can live migrate",
        "the nova-compute of the source or the destination did not answer",
        check="source-up",
        remedy="start it: openstack compute service list --service nova-compute",
    ),
    _rule(
        "same-host",
        r"Unable to migrate instance \(.*\) to current host",
        "the destination was the host where the server is",
        check="destination-service",
        remedy="choose another host: openstack vfio migration start --host HOST",
    ),
    _rule(
        "hypervisor-too-old",
        r"requires a newer hypervisor version than has been provided",
        "the QEMU of the destination is older than that of the source",
        check="destination-hypervisor",
        remedy="upgrade QEMU on the destination, or choose another host",
    ),
    _rule(
        "hypervisor-type",
        r"supplied hypervisor type of is invalid",
        "the destination has a hypervisor of another type",
        check="destination-hypervisor",
        remedy="choose another host: openstack hypervisor list --long",
    ),
    _rule(
        "cpu-incompatible",
        r"Unacceptable CPU info|guest CPU (?:doesn't|does not|is not) (?:match|compatible)",
        "the processors of the destination lack something that the server's have",
        check="destination-processor",
        remedy="choose another host, or give both the same [libvirt]cpu_mode and cpu_models",
    ),
    _rule(
        "no-device-claimed",
        # nova's record cuts the text of the request short
        r"Claim pci failed|PCI device request |Attempt to consume PCI device",
        "the destination had no free device that fits when nova-compute claimed one",
        check="destination-devices",
        remedy="free devices there, or choose another host: openstack vfio device list",
    ),
    _rule(
        "numa-does-not-fit",
        r"NUMA topology.*cannot fit|Page size \S+ is not supported by the host",
        "the server's NUMA topology and its devices do not fit on the destination together",
        check="numa",
        remedy="choose a host with free devices on the right NUMA node",
    ),
    _rule(
        "group-policy",
        r"affinity instance group policy was violated",
        "another server of the same group is on the destination, or on none of the hosts that the "
        "policy allows",
        check="destination-group",
        remedy="choose another host; a member whose resize is not confirmed counts there, too: "
        "openstack server group show GROUP",
    ),
    _rule(
        "filter-left-no-host",
        r"Filter (\w+) returned 0 hosts",
        "the scheduler's {0} left no host",
        check="destination-capacity",
        remedy="see what that filter asks of a host: openstack vfio migration check SERVER",
    ),
    _rule(
        "no-capacity",
        r"Lack of memory\(host|Insufficient compute resources",
        "the destination lacks memory or another resource",
        check="destination-capacity",
        remedy="choose another host: openstack vfio migration check",
    ),
    _rule(
        "storage",
        r"is not on (?:shared|local) storage|Block migration can not be used with shared storage",
        "the disks of the server cannot move in this way",
        remedy="leave the choice to nova: neither --shared-migration nor --block-migration",
    ),
    _rule(
        "port-binding",
        r"Binding failed for port|port binding extension|Timed out waiting for events|"
        r"Virtual interface plugin failed",
        "neutron could not bind a port of the server at the destination",
        check="port-binding",
        remedy="see neutron's log: openstack port list --server SERVER",
    ),
    _rule(
        "hypervisor-unreachable",
        r"Connection to the hypervisor is broken|"
        r"unable to connect to server at|Cannot recv data|"
        r"End of file while reading data|authentication failed",
        "the two libvirtd could not talk to each other",
        remedy="on the source: virsh -c qemu+tls://DESTINATION/system hostname",
    ),
    _rule(
        "plain-vfio-pci",
        r"VFIO migration is not supported in kernel|VFIO device doesn.t support migration",
        "the VF at the source is bound to a driver that cannot migrate it, such as vfio-pci",
        check="host-drivers",
        remedy=_BIND,
    ),
    _rule(
        "turned-off-in-qemu",
        r"Migration is disabled for VFIO device",
        "QEMU was started with enable-migration=off for the device",
        remedy="take the argument out of the domain (qemu:commandline, or a hook), and start the "
        "server again",
    ),
    _rule(
        "driver-does-not-begin",
        r"Migration could\S* be initialized for VFIO device|Failed to query VFIO migration support",
        "the driver of the VF at the source says that it can migrate it, and failed when QEMU "
        "asked how",
        check="host-drivers",
        remedy="see what the kernel of the source says of the VF: dmesg; its firmware must "
        "support migration, too: vfio-lm-host probe",
    ),
    _rule(
        "no-dirty-tracking",
        r"VFIO device doesn.t support device(?: and IOMMU)? dirty tracking",
        "neither the driver of the VF nor the IOMMU tracks which memory the device wrote",
        check="host-drivers",
        remedy="use a driver or firmware with DMA logging, or a kernel with IOMMU dirty tracking",
    ),
    _rule(
        "late-dirty-tracking",
        r"ram_save_setup failed: Operation not supported",
        "the driver says that it logs DMA, but the kernel cannot: it lacks CONFIG_IOMMUFD_DRIVER",
        check="host-drivers",
        remedy="use a kernel with CONFIG_IOMMUFD_DRIVER on the source",
        certainty=Certainty.LIKELY,
    ),
    _rule(
        "post-copy",
        r"VFIO migration is not supported with postcopy",
        "post-copy is permitted, which QEMU refuses for VFIO devices",
        check="post-copy-off",
        remedy="[libvirt]live_migration_permit_post_copy = false on both hosts",
    ),
    _rule(
        "no-p2p",
        r"Multiple VFIO devices migration is supported only if all of them support P2P",
        "the server has several VFs, and not every driver can stop them together (P2P)",
        check="host-drivers",
        remedy="use a driver with P2P, or one VF for each server",
    ),
    _rule(
        "viommu",
        r"Migration is (?:currently )?not supported with vIOMMU",
        "the server has a virtual IOMMU, which QEMU does not migrate together with VFIO devices",
        check="host-drivers",
        remedy="remove hw:viommu_model from the flavor, or hw_viommu_model from the image",
    ),
    _rule(
        "no-permission",
        r"error getting device from group \d+: Permission denied|"
        r"/dev/vfio/\S+: Permission denied",
        "QEMU may not open the VFIO device of the destination",
        remedy="on that host: owner and label (ls -lZ /dev/vfio), cgroup_device_acl in "
        "/etc/libvirt/qemu.conf, and denials of SELinux or AppArmor in its log",
    ),
    _rule(
        "group-not-viable",
        r"group \d+ is not viable",
        "another device of the same IOMMU group is bound to a driver of the host",
        remedy="bind all devices of the group to VFIO drivers, or use a slot with ACS: "
        "ls /sys/bus/pci/devices/ADDRESS/iommu_group/devices",
    ),
    _rule(
        "no-iommu",
        r"no iommu_group found|host doesn.t support passthrough of host PCI devices",
        "the IOMMU of the destination is off",
        remedy="turn it on in the firmware and on the kernel's command line (intel_iommu=on), and "
        "restart the host",
    ),
    _rule(
        "memory-lock-limit",
        r"VFIO_MAP_DMA failed|vfio_(?:\w+_)?dma_map\S* = -12|cannot limit locked memory",
        "the guest's memory could not be locked for the device",
        remedy="raise the limit of locked memory of libvirt's service (LimitMEMLOCK), or the "
        "domain's memtune hard_limit, and see whether the host has that much memory left",
    ),
    _rule(
        "not-bound",
        r"Failed to (?:un)?bind PCI device|Unable to (?:un)?bind PCI device",
        "the kernel of the host did not bind the VF to the driver that libvirt asked for",
        check="host-drivers",
        remedy="see what the kernel says of it: dmesg; vfio-lm-host probe shows the drivers",
    ),
    _rule(
        "not-reset",
        r"Unable to reset PCI device",
        "the device could not be reset before the server was to have it",
        remedy="see whether another device of its bus is in use; a VF needs function level reset",
    ),
    _rule(
        "destination-vf-busy",
        r"Could not open '?/dev/vfio/\d+'?: Device or resource busy",
        "the VF that was chosen at the destination was in use there: its address was probably "
        "not the one that nova claimed",
        check="host-drivers",
        remedy="compare the server's devices with nova's claim on the destination: "
        "vfio-lm-host verify",
        certainty=Certainty.LIKELY,
    ),
    _rule(
        "vf-in-use",
        r"PCI device \S+ is in use by driver",
        "the VF that was chosen at the destination belongs to another server there",
        check="host-drivers",
        remedy="find out which of the two nova does not know: openstack vfio device show",
    ),
    _rule(
        "must-be-detached",
        r"must be manually detached",
        "libvirt (before 11) does not take a VF that is bound to a variant driver with "
        "managed='no'",
        check="host-drivers",
        remedy="upgrade libvirt on that host to 11 or later",
    ),
    _rule(
        "address-twice",
        r"Hostdev already exists in the domain configuration",
        "two devices of the server got the same address at the destination",
        check="host-drivers",
        remedy="see nova's bug in the remap of addresses: vfio-lm-host remap",
    ),
    _rule(
        "guest-changed",
        r"Target domain .* does not match source",
        "the domain that was to start at the destination is another one for the guest",
        remedy="find out what changed it: the hooks in /etc/libvirt/hooks on the destination",
    ),
    _rule(
        "hook-failed",
        r"Hook script execution failed",
        "a libvirt hook at the destination refused",
        remedy="its own words follow in the message; the hooks are in /etc/libvirt/hooks",
    ),
    _rule(
        "state-refused",
        r"Failed setting device state to|[Ff]ailed to load device config space|"
        r"Error -?\d+ while loading VM state|load of migration failed",
        "the destination's driver did not take the state of the device",
        check="destination-same-driver",
        remedy="give both hosts the same driver and firmware: vfio-lm-host probe",
    ),
    _rule(
        "completion-timeout",
        r"Live migration not completed after \d+ sec",
        "it took longer than [libvirt]live_migration_completion_timeout, and nova-compute ended it",
        check="downtime-fits",
        remedy="raise live_migration_completion_timeout or live_migration_downtime on the source, "
        "or migrate when the server writes less",
    ),
    _rule(
        "aborted",
        r"operation aborted: migration.*cancell?ed by client",
        "somebody aborted it",
        remedy="start it again: openstack vfio migration start",
        certainty=Certainty.LIKELY,
    ),
    _rule(
        "libvirt-busy",
        r"cannot acquire state change lock",
        "libvirt was busy with the server, perhaps with a migration before this one",
        remedy="wait for it to end (virsh domjobinfo DOMAIN), then start it again",
    ),
    _rule(
        "libvirt-too-old",
        r"cannot migrate a domain with <hostdev|domain has assigned (?:non-USB )?host devices",
        "libvirt at the source does not migrate a server with such a device",
        check="destination-hypervisor",
        remedy="upgrade libvirt on both hosts to 10 or later",
        certainty=Certainty.LIKELY,
    ),
    _rule(
        "destination-vf-absent",
        r"An error occurred, but the cause is unknown",
        "libvirt says this where the VF that was chosen does not exist at the destination",
        check="host-drivers",
        remedy="see whether the VFs exist there: vfio-lm-host probe",
        certainty=Certainty.POSSIBLE,
    ),
    _rule(
        "vfio-error",
        r"(?<!warning: )\bvfio (?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]: \S",
        "QEMU failed with a VFIO device, in words that are not known here",
        check="host-drivers",
        remedy="see QEMU's log of the server on the host in the message, and dmesg there: "
        "/var/log/libvirt/qemu",
        certainty=Certainty.POSSIBLE,
        is_fallback=True,
    ),
    _rule(
        "qemu-ended",
        r"QEMU unexpectedly closed the monitor|process exited while connecting to monitor",
        "QEMU at the destination ended, for a reason that is not in these words",
        remedy="give QEMU's log of the server from the destination with --from-log: "
        "/var/log/libvirt/qemu",
        certainty=Certainty.POSSIBLE,
        is_fallback=True,
    ),
)
