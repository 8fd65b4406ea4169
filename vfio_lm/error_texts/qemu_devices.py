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

"""What QEMU says of VFIO devices: opening them, mapping memory for them, migrating their state."""

from __future__ import annotations

import functools

from vfio_lm.error_texts.row import Certainty, Software, row

_row = functools.partial(row, software=Software.QEMU)

_DRIVERS = "vfio-lm-host probe shows the drivers"
_BIND = f"bind the VF to its variant driver on the source, and start the server again: {_DRIVERS}"
_SAME = "give both hosts the same driver and firmware: vfio-lm-host probe"

ROWS = (
    _row(
        "plain-vfio-pci",
        pattern=r"VFIO migration is not supported in kernel",
        cause="the VF at the source is bound to a driver that cannot migrate it, such as vfio-pci",
        check="host-drivers",
        remedy=_BIND,
        source="hw/vfio/migration.c, vfio_migration_realize",
        since="8.1",
    ),
    _row(
        "no-migration-region",
        pattern=r"VFIO device doesn.t support migration",
        cause="the driver of the VF at the source cannot migrate it, or QEMU is older than 8.0 and "
        "knows only the migration interface that kernels before 5.18 had",
        check="host-drivers",
        remedy=f"upgrade QEMU to 8.2.2 or later on both hosts, and {_BIND}",
        source="hw/vfio/migration.c, vfio_migration_probe",
        since="5.2",
        until="8.0",
    ),
    _row(
        "turned-off-in-qemu",
        pattern=r"Migration is disabled for VFIO device",
        cause="QEMU was started with enable-migration=off for the device",
        remedy="take the argument out of the domain (qemu:commandline, or a hook), and start the "
        "server again",
        source="hw/vfio/migration.c, vfio_migration_realize",
        since="8.1",
    ),
    _row(
        "driver-does-not-begin",
        pattern=r"Migration could\S* be initialized for VFIO device|"
        r"Failed to query VFIO migration support",
        cause="the driver of the VF at the source announces migration, and failed when QEMU asked "
        "for the details",
        check="host-drivers",
        remedy="see what the kernel of the source says of the VF: dmesg; its firmware must "
        "support migration, too: vfio-lm-host probe",
        source="hw/vfio/migration.c, vfio_migration_init",
        since="8.0",
    ),
    _row(
        "no-dirty-tracking",
        pattern=r"VFIO device doesn.t support device(?: and IOMMU)? dirty tracking|"
        r"IOMMU instance for device \S+ doesn.t support dirty tracking",
        cause="neither the driver of the VF nor the IOMMU tracks which memory the device wrote",
        check="host-drivers",
        remedy="use a driver or firmware with DMA logging, or a kernel with IOMMU dirty tracking",
        source="hw/vfio/migration.c, vfio_migration_realize; hw/vfio/iommufd.c",
        since="8.1",
    ),
    _row(
        "late-dirty-tracking",
        pattern=r"ram_save_setup failed: Operation not supported|"
        r"Failed to start DMA logging(?:, err -95|: Operation not supported)",
        cause="the driver says that it logs DMA, but the kernel cannot: it lacks "
        "CONFIG_IOMMUFD_DRIVER",
        check="host-drivers",
        remedy="use a kernel with CONFIG_IOMMUFD_DRIVER on the source",
        certainty=Certainty.LIKELY,
        source="migration/ram.c, ram_save_setup; hw/vfio/common.c, vfio_devices_dma_logging_start",
        since="8.0",
    ),
    _row(
        "dirty-tracking-failed",
        pattern=r"Failed to (?:start|stop|prepare) DMA logging|Could not st(?:art|op) dirty page "
        r"tracking|Failed to set dirty tracking flag|Failed to get (?:DMA logging report|dirty "
        r"bitmap)",
        cause="the driver of the VF or the IOMMU failed while it tracked which memory the device "
        "wrote",
        check="host-drivers",
        remedy="see what the kernel of the source says: dmesg; update driver and firmware",
        source="hw/vfio/common.c",
        since="7.2",
    ),
    _row(
        "post-copy",
        pattern=r"VFIO migration is not supported with postcopy",
        cause="post-copy is permitted, which QEMU refuses for VFIO devices",
        check="post-copy-off",
        remedy="[libvirt]live_migration_permit_post_copy = false on both hosts",
        without_nova="migrate without post-copy",
        source="hw/vfio/migration.c, vfio_save_prepare",
        since="8.2",
    ),
    _row(
        "snapshot-in-background",
        pattern=r"VFIO migration is not supported with background snapshot",
        cause="QEMU's capability background-snapshot is on, which it refuses for VFIO devices",
        remedy="let the snapshot end, then migrate",
        source="hw/vfio/migration.c, vfio_save_prepare",
        since="8.2",
    ),
    _row(
        "no-p2p",
        pattern=r"Multiple VFIO devices migration is",
        cause="the server has several VFs, and not every driver can stop them together (P2P)",
        check="host-drivers",
        remedy="use a driver with P2P and QEMU 8.1 or later, or one VF for each server",
        source="hw/vfio/common.c, vfio_block_multiple_devices_migration",
        since="8.0",
    ),
    _row(
        "viommu",
        pattern=r"Migration is (?:currently )?not supported with vIOMMU",
        cause="the server has a virtual IOMMU, which QEMU does not migrate together with VFIO "
        "devices",
        check="viommu",
        remedy="remove hw:viommu_model from the flavor, or hw_viommu_model from the image",
        without_nova="remove the iommu element from the domain",
        source="hw/vfio/migration.c, vfio_migration_realize",
        since="8.0",
    ),
    _row(
        "no-permission",
        pattern=r"error getting device from group \d+: (?:Permission denied|Operation not "
        r"permitted)|"
        r"/dev/(?:vfio|iommu)\S*: (?:Permission denied|Operation not permitted)",
        cause="QEMU may not open the VFIO device of the destination",
        remedy="on that host: owner and label (ls -lZ /dev/vfio), cgroup_device_acl in "
        "/etc/libvirt/qemu.conf, and denials of SELinux or AppArmor in its log; as for 'Operation "
        "not permitted', interrupt remapping: dmesg",
        source="hw/vfio/container.c, vfio_get_device",
        since="7.2",
    ),
    _row(
        "device-not-opened",
        pattern=r"error getting device from group \d+\b(?!: (?:Permission|Operation not "
        r"permitted))|"
        r"Verify all devices in group \d+ are bound",
        cause="the kernel did not hand the device to QEMU: it is not bound to a VFIO driver, is in "
        "use, or does not come out of reset",
        check="host-drivers",
        remedy="see what the kernel of the host in the message says of the device: dmesg; "
        f"{_DRIVERS}",
        source="hw/vfio/container.c, vfio_get_device",
        since="7.2",
    ),
    _row(
        "group-not-viable",
        pattern=r"group \d+ is not viable",
        cause="another device of the same IOMMU group is bound to a driver of the host",
        remedy="bind all devices of the group to VFIO drivers, or use a slot with ACS: "
        "ls /sys/bus/pci/devices/ADDRESS/iommu_group/devices",
        source="hw/vfio/container.c, vfio_get_group",
        since="7.2",
    ),
    _row(
        "group-in-several-address-spaces",
        pattern=r"group \d+ used in multiple address spaces",
        cause="two devices of one IOMMU group are behind different virtual IOMMUs or buses of the "
        "guest",
        remedy="give the server devices of different groups, or no virtual IOMMU",
        source="hw/vfio/container.c, vfio_get_group",
        since="7.2",
    ),
    _row(
        "no-iommu",
        pattern=r"no iommu_group found|No available IOMMU models|"
        r"Failed to set (?:iommu for container|group container)",
        cause="the IOMMU of the host in the message is off, or cannot be used for VFIO",
        remedy="turn it on in the firmware and on the kernel's command line (intel_iommu=on), load "
        "vfio_iommu_type1, and look at dmesg for DMAR and AMD-Vi",
        source="hw/vfio/container.c",
        since="7.2",
    ),
    _row(
        "iommufd",
        pattern=r"error (?:bind device fd=\d+ to|attach \S+ \(\d+\) to)|"
        r"\[iommufd=\d+\] error attach|failed to find vfio-dev/vfioX/dev|/dev/iommu",
        cause="the device could not be opened through iommufd",
        check="host-drivers",
        remedy="use a kernel with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV, and see dmesg",
        source="hw/vfio/iommufd.c",
        since="9.0",
    ),
    _row(
        "memory-lock-limit",
        pattern=r"VFIO_MAP_DMA failed: Cannot allocate memory|"
        r"vfio_(?:\w+_)?dma_map\b.{0,120}=\s*-12\b|IOMMU_IOAS_MAP failed: Cannot allocate memory",
        cause="the guest's memory could not be locked for the device",
        remedy="raise the limit of locked memory of libvirt's service (LimitMEMLOCK), or the "
        "domain's memtune hard_limit, and see whether the host has that much memory left",
        source="hw/vfio/container.c, vfio_legacy_dma_map",
        since="7.2",
    ),
    _row(
        "too-many-mappings",
        pattern=r"VFIO_MAP_DMA failed: No space left on device|"
        r"vfio_(?:\w+_)?dma_map\b.{0,120}=\s*-28\b|possibly running out of DMA mappings",
        cause="the guest needs more DMA mappings than the kernel allows",
        remedy="raise dma_entry_limit of the module vfio_iommu_type1",
        source="hw/vfio/common.c",
        since="7.2",
    ),
    _row(
        "memory-not-mapped",
        pattern=r"VFIO_(?:UN)?MAP_DMA\b.{0,40}failed(?!: (?:Cannot allocate memory|No space left))|"
        r"vfio_(?:\w+_)?dma_(?:un)?map\b.{0,120}=\s*-(?!(?:12|28)\b)\d+|"
        r"DMA mapping failed, unable to continue|"
        r"IOMMU_IOAS_(?:UN)?MAP failed(?!: Cannot allocate memory)",
        cause="the IOMMU did not map a part of the guest's memory, often a BAR of another device "
        "or "
        "an address above what the IOMMU reaches",
        certainty=Certainty.LIKELY,
        remedy="see dmesg of that host for IOMMU faults; limit the guest's address width "
        "(maxphysaddr) to that of the IOMMU",
        source="hw/vfio/container.c, hw/vfio/common.c",
        since="7.2",
    ),
    _row(
        "device-busy",
        pattern=r"Could not open '?/dev/vfio/\S+'?: Device or resource busy|"
        r"failed to open /dev/vfio/\S+: Device or resource busy",
        cause="the VF that was chosen at the destination was in use there: its address was "
        "probably "
        "not the one that nova claimed",
        check="host-drivers",
        remedy="compare the server's devices with nova's claim on the destination: "
        "vfio-lm-host verify",
        without_nova="name a free device with --map",
        certainty=Certainty.LIKELY,
        source="hw/vfio/container.c, vfio_get_group",
        since="7.2",
    ),
    _row(
        "device-node-missing",
        pattern=r"/dev/vfio/\S*'?: No such (?:file or directory|device)|no such host device",
        cause="the device, or its node in /dev/vfio, does not exist on that host",
        check="host-drivers",
        remedy=f"create the VFs there and bind them to their VFIO driver: {_DRIVERS}",
        source="hw/vfio/helpers.c, vfio_device_get_name; hw/vfio/container.c, vfio_get_group",
        since="7.2",
    ),
    _row(
        "state-refused",
        pattern=r"Failed setting device (?:state to|in recover state)|"
        r"Recover state is ERROR\. Resetting device",
        cause="the driver refused a state of the device: on the destination it did not take what "
        "the source had saved",
        check="destination-same-driver",
        remedy=_SAME,
        source="hw/vfio/migration.c, vfio_migration_set_state",
        since="8.0",
        is_state_lost=True,
    ),
    _row(
        "device-not-reset-after-failure",
        pattern=r"Failed resetting device, err",
        cause="the driver refused a state of the device, and then could not reset it",
        check="destination-same-driver",
        remedy=_SAME,
        source="hw/vfio/migration.c, vfio_migration_set_state",
        since="8.0",
        is_state_lost=True,
    ),
    _row(
        "state-not-saved",
        pattern=r"Failed to (?:set new PRE_COPY state|save device config space|save state|allocate "
        r"migration data buffer)|save setup failed|data_fd out of sync|(?:writing|reading) state "
        r"buffer \d+ failed",
        cause="the driver of the source did not hand out the state of the device",
        check="host-drivers",
        remedy="see what the kernel of the source says of the VF: dmesg; update its firmware",
        source="hw/vfio/migration.c",
        since="7.2",
    ),
    _row(
        "config-space-differs",
        pattern=r"Failed to load device config space|Failed loading device config space|"
        r"load_device_config_state\S* failed",
        cause="the device on the destination has another PCI configuration than the one on the "
        "source: another model, firmware or number of interrupts",
        check="destination-same-driver",
        remedy=_SAME,
        source="hw/vfio/migration.c, vfio_load_device_config_state",
        since="7.2",
        is_state_lost=True,
    ),
    _row(
        "device-stream-differs",
        pattern=r"SETUP STATE: EOS not found|Multifd device transfer requested but unsupported|"
        r"got DEV_CONFIG_STATE in main migration|switchover ack is not used|device state packet",
        cause="the two QEMUs do not transfer the state of devices in the same way",
        check="destination-hypervisor",
        remedy="use the same version of QEMU and the same migration options on both hosts",
        source="hw/vfio/migration.c, hw/vfio/migration-multifd.c",
        since="7.2",
        is_state_lost=True,
    ),
    _row(
        "interrupts-not-set-up",
        pattern=r"VFIO_DEVICE_SET_IRQS failure|failed to enable (?:vectors|MSI)|"
        r"Failed to (?:setup MSI fds|enable \d+ MSI)",
        cause="the kernel did not set up an interrupt of the device",
        remedy="see dmesg of that host; the device may have fewer interrupts than on the source",
        certainty=Certainty.LIKELY,
        source="hw/vfio/helpers.c, hw/vfio/pci.c",
        since="7.2",
    ),
    _row(
        "device-lost",
        pattern=r"Unrecoverable error detected|stuck in D\d|failed to read device config space|"
        r"this isn.t a PCI device|failed to get region \d+ info|unexpected number of (?:irqs|io "
        r"regions)",
        cause="the device does not answer as a PCI device should",
        remedy="see dmesg of that host for AER and PCIe errors; reset the PF or restart the host",
        certainty=Certainty.LIKELY,
        source="hw/vfio/pci.c",
        since="7.2",
    ),
    _row(
        "not-reset-by-qemu",
        pattern=r"Cannot reset device \S+, (?:no available reset mechanism|depends on)",
        cause="QEMU could not reset the device, so its old state stays in it",
        remedy="use a device with function level reset, which every VF has by the standard; see "
        "dmesg of that host",
        certainty=Certainty.LIKELY,
        source="hw/vfio/pci.c, vfio_pci_compute_needs_reset; hw/vfio/container.c",
        since="7.2",
    ),
    _row(
        "vfio-error",
        pattern=r"(?<!warning: )\bvfio (?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]: \S",
        cause="QEMU failed with a VFIO device, in words that are not known here",
        check="host-drivers",
        remedy="see QEMU's log of the server on the host in the message, and dmesg there: "
        "/var/log/libvirt/qemu",
        certainty=Certainty.POSSIBLE,
        source="hw/vfio/pci.c, vfio_realize (every error of a device begins so)",
        since="7.2",
        is_fallback=True,
    ),
)
