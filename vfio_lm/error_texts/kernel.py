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

"""What the kernel says in its log about IOMMUs, VFIO and the devices of a migration."""

from __future__ import annotations

import functools

from vfio_lm.error_texts.row import Certainty, Software, row

_row = functools.partial(row, software=Software.KERNEL, certainty=Certainty.LIKELY)

ROWS = (
    _row(
        "memlock-exceeded",
        pattern=r"RLIMIT_MEMLOCK \(\d+\) exceeded",
        cause="the guest's memory could not be locked for the device: QEMU's limit is too low",
        certainty=Certainty.CERTAIN,
        remedy="raise the limit of locked memory of libvirt's service (LimitMEMLOCK), or the "
        "domain's memtune hard_limit",
        source="drivers/vfio/vfio_iommu_type1.c, vfio_pin_pages_remote",
        since="not known",
    ),
    _row(
        "no-interrupt-remapping",
        pattern=r"No interrupt remapping (?:support|for device)",
        cause="the host has no interrupt remapping, without which VFIO hands out no device",
        certainty=Certainty.CERTAIN,
        remedy="turn it on in the firmware (VT-d or AMD-Vi with x2APIC); allow_unsafe_interrupts=1 "
        "of vfio_iommu_type1 gives up the isolation of the guest",
        source="drivers/vfio/vfio_iommu_type1.c, drivers/iommu/iommufd/device.c",
        since="not known",
    ),
    _row(
        "reserved-memory-of-firmware",
        pattern=r"ineligible for IOMMU domain attach due to platform RMRR",
        cause="the firmware reserves memory for the device (RMRR), so the kernel does not hand it "
        "out",
        certainty=Certainty.CERTAIN,
        remedy="turn that feature of the firmware off for the slot (on HPE: conrep), or use "
        "another "
        "slot",
        source="drivers/iommu/intel/iommu.c",
        since="not known",
    ),
    _row(
        "no-resources-for-vfs",
        pattern=r"not enough MMIO resources for SR-IOV|VF BAR\d* .{0,200}no space|"
        r"SR-IOV: bus number out of range",
        cause="the firmware left no room in the address space for the VFs of a PF",
        certainty=Certainty.CERTAIN,
        remedy="turn on SR-IOV and Above 4G Decoding in the firmware, or boot with pci=realloc",
        source="drivers/pci/iov.c",
        since="not known",
    ),
    _row(
        "reset-did-not-end",
        pattern=r"not ready \d+ms after (?:FLR|bus reset|resume|PM)|"
        r"timed out waiting for pending transaction",
        cause="a device did not come back from its reset",
        remedy="reset the PF, or restart the host; update the firmware of the device",
        source="drivers/pci/pci.c, pci_dev_wait",
        since="not known",
    ),
    _row(
        "iommu-fault",
        pattern=r"DMAR: \[(?:DMA|INTR-REMAP)[^\]]*\]|AMD-Vi: Event logged \[IO_PAGE_FAULT",
        cause="a device wrote to memory that is not mapped for it",
        certainty=Certainty.POSSIBLE,
        remedy="compare the address in the message with the devices of the server; update driver "
        "and firmware of the device",
        source="drivers/iommu/intel/dmar.c, drivers/iommu/amd/iommu.c",
        since="not known",
    ),
    _row(
        "bus-error",
        pattern=r"PCIe Bus Error: severity=(?:Uncorrected|Uncorrectable)|"
        r"AER: .{0,200}(?:Uncorrected|Uncorrectable|Fatal)",
        cause="a device reported an uncorrectable PCIe error",
        remedy="reset the PF, or restart the host; look at the slot and the cabling",
        source="drivers/pci/pcie/aer.c",
        since="not known",
    ),
    _row(
        "driver-did-not-bind",
        pattern=r"probe (?:of \S+ failed )?with (?:driver \S+ failed with )?error -\d+|"
        r"vfio\S* \S+: probe with driver \S+ failed",
        cause="a driver did not take a device",
        remedy="see the lines before it in dmesg: a module, firmware or setting of the PF is "
        "missing",
        source="drivers/base/dd.c",
        since="not known",
    ),
    _row(
        "mlx5-command-failed",
        pattern=r"mlx5_(?:cmd_out_err|cmd_check|core \S+).{0,200}(?:SUSPEND_VHCA|RESUME_VHCA|"
        r"SAVE_VHCA_STATE|LOAD_VHCA_STATE|QUERY_VHCA_MIGRATION_STATE)",
        cause="the firmware of the mlx5 device refused a step of the migration",
        certainty=Certainty.CERTAIN,
        check="destination-same-driver",
        remedy="give both hosts the same firmware, and mark the VF as migratable: devlink port "
        "function set PORT migratable enable",
        source="drivers/net/ethernet/mellanox/mlx5/core/cmd.c",
        since="5.18",
    ),
)
