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

"""One text of each row of the table, as nova 34.0, libvirt 9.0 and 11.3, QEMU and Linux say it."""

from nova import exception

_ID = "54d230f3-d8b5-4d7c-8ad4-43033325152b"

#: Nova's own exceptions, so that a change of their words is noticed.
OF_NOVA = {
    "alias-not-live-migratable": exception.MigrationPreCheckError(
        reason="This request does not explicitly request live-migratable devices."
    ),
    "alias-not-defined": exception.PciRequestAliasNotDefined(alias="vf"),
    "forced-with-nested-allocations": exception.NoValidHost(
        reason=f"Unable to move instance {_ID} to host compute2. The instance has complex "
        "allocations on the source host so move cannot be forced."
    ),
    "too-many-retries": exception.MaxRetriesExceeded(
        reason=f"Exceeded max scheduling retries 3 for instance {_ID} during live migration"
    ),
    "service-down": exception.ComputeServiceUnavailable(host="compute1"),
    "same-host": exception.UnableToMigrateToSelf(instance_id=_ID, host="compute1"),
    "across-cells": exception.MigrationPreCheckError(
        reason=f"Unable to force live migrate instance {_ID} across cells."
    ),
    "hypervisor-too-old": exception.DestinationHypervisorTooOld(),
    "hypervisor-type": exception.InvalidHypervisorType(),
    "cpu-incompatible": exception.InvalidCPUInfo(reason="CPU doesn't have compatibility."),
    "no-device-claimed": exception.PciDeviceRequestFailed(requests="[InstancePCIRequest(…)]"),
    "device-in-another-state": exception.PciDeviceInvalidStatus(
        compute_node_id=2, address="0000:82:00.1", status="allocated", hopestatus="available"
    ),
    "device-not-tracked": exception.PciDeviceNotFound(node_id=2, address="0000:82:00.1"),
    "numa-with-devices-does-not-fit": exception.ComputeResourcesUnavailable(
        reason="Requested instance NUMA topology together with requested PCI devices cannot fit "
        "the given host NUMA topology"
    ),
    "numa-does-not-fit": exception.ComputeResourcesUnavailable(
        reason="Requested instance NUMA topology cannot fit the given host NUMA topology"
    ),
    "page-size-unsupported": exception.MemoryPageSizeNotSupported(pagesize=1048576),
    "page-size-differs": exception.ComputeResourcesUnavailable(
        reason="Requested page size is different from current page size."
    ),
    "group-policy": exception.GroupAffinityViolation(policy="Anti-affinity"),
    "no-capacity": exception.MigrationPreCheckError(
        reason=f"Unable to migrate {_ID} to compute2: Lack of memory(host:1 <= instance:512)"
    ),
    "storage": exception.InvalidSharedStorage(path="compute2", reason="shared storage is needed"),
    "disk-exists": exception.DestinationDiskExists(path="/var/lib/nova/instances/7/disk"),
    "port-binding": exception.PortBindingFailed(port_id=_ID),
    "port-not-plugged": exception.VirtualInterfaceCreateException(),
    "feature-not-migratable": exception.OperationNotSupportedForVTPM(
        operation="live_migration", instance_uuid=_ID
    ),
    "placement-failed": exception.PlacementAPIConnectFailure(),
    "pci-not-reported": exception.PlacementPciException(error="a conflict"),
    "hypervisor-unreachable": exception.HypervisorUnavailable(),
    "no-migration-uri": exception.LiveMigrationURINotAvailable(virt_type="kvm"),
    "server-state": exception.InstanceInvalidState(
        instance_uuid=_ID, attr="power_state", state="4", method="live migrate"
    ),
}

_OF_OTHERS = {
    # nova's logs
    "forced-host-full": f"Unable to move instance {_ID} to host compute2. There is not enough "
    "capacity on the host for the instance.",
    "no-allocation-candidates": "Got no allocation candidates from the Placement API. This could "
    "be due to insufficient resources or a temporary occurrence as compute nodes start up.",
    "candidates-removed": "The nova scheduler removed every allocation candidatefor host compute2 "
    "so this host was skipped.",
    "filter-left-no-host": "Filter NUMATopologyFilter returned 0 hosts",
    "host-lacks-devices": "(compute2, compute2) ram: 1MB doesn't have the required PCI devices "
    "(InstancePCIRequests(…))",
    "host-lacks-numa": "compute2, compute2 fails NUMA topology requirements. The instance does "
    "not fit on this host.",
    "service-silent": "(compute2, compute2) ram: 1MB has not been heard from in a while",
    "rpc-timeout": "oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to "
    "message ID 0c4f",
    "numa-with-old-compute": "Instance has an associated NUMA topology, cell contains compute "
    "nodes older than train, and the enable_numa_live_migration workaround is disabled.",
    "disk-too-large": f"Unable to migrate {_ID}: Disk of instance is too large(available on "
    "destination host:1 < need:2)",
    "old-compute-with-direct-port": "Cannot live migrate VIF with related PCI, source and "
    "destination nodes do not support the operation.",
    "mdev-types": f"Unable to migrate {_ID}: Source mdev types ['nvidia-35'] are not supported by "
    "this compute : ['nvidia-36']",
    "platform-too-old-for-mdevs": f"Unable to migrate {_ID}: Either libvirt or QEMU version for "
    "compute service source are too old than the supported ones : (QEMU: 8.1.0, libvirt: 8.6.0)",
    "completion-timeout": "Live migration not completed after 800 sec",
    # QEMU about devices
    "plain-vfio-pci": "internal error: unable to execute QEMU command 'migrate': 0000:81:00.1: "
    "VFIO migration is not supported in kernel",
    "no-migration-region": "cannot migrate domain: VFIO device doesn't support migration",
    "turned-off-in-qemu": "operation failed: cannot migrate domain: 0000:5e:00.4: Migration is "
    "disabled for VFIO device",
    "driver-does-not-begin": "operation failed: cannot migrate domain: 0000:5e:00.4: Migration "
    "couldn't be initialized for VFIO device, err: -22 (Invalid argument)",
    "no-dirty-tracking": "0000:81:00.1: VFIO device doesn't support device and IOMMU dirty "
    "tracking",
    "late-dirty-tracking": "operation failed: job 'migration out' failed: ram_save_setup failed: "
    "Operation not supported",
    "dirty-tracking-failed": "vfio: Could not start dirty page tracking - 0000:81:00.1: Failed to "
    "start DMA logging: Input/output error",
    "post-copy": "0000:b1:00.2: VFIO migration is not supported with postcopy migration",
    "snapshot-in-background": "0000:b1:00.2: VFIO migration is not supported with background "
    "snapshot",
    "no-p2p": "Multiple VFIO devices migration is supported only if all of them support P2P "
    "migration",
    "viommu": "0000:b1:00.2: Migration is currently not supported with vIOMMU enabled",
    "no-permission": "vfio 0000:5e:00.4: error getting device from group 97: Permission denied",
    "device-not-opened": "vfio 0000:5e:00.4: error getting device from group 97: Invalid argument",
    "group-not-viable": "vfio 0000:05:00.0: group 15 is not viable",
    "group-in-several-address-spaces": "vfio 0000:05:00.0: group 15 used in multiple address "
    "spaces",
    "no-iommu": "vfio 0000:05:00.0: no iommu_group found: No such file or directory",
    "iommufd": "vfio 0000:05:00.0: error bind device fd=23 to iommufd=22: Invalid argument",
    "memory-lock-limit": "vfio_container_dma_map(0x55d0, 0x0, 0x80000000, 0x7f10) = -12 (Cannot "
    "allocate memory)",
    "too-many-mappings": "qemu-kvm: VFIO_MAP_DMA failed: No space left on device",
    "memory-not-mapped": "kvm: vfio_container_dma_map(0x5c2a, 0x380000000000, 0x10000, 0x7efc) = "
    "-22 (Invalid argument)",
    "device-busy": "vfio 0000:82:00.1: Could not open '/dev/vfio/7': Device or resource busy",
    "device-node-missing": "vfio 0000:82:00.1: failed to open /dev/vfio/7: No such file or "
    "directory",
    "state-refused": "vfio 0000:82:00.1: Failed setting device state to RUNNING_P2P, err: Invalid "
    "argument. Recover state is ERROR. Resetting device",
    "device-not-reset-after-failure": "qemu: hardware error: 0000:82:00.1: Failed resetting "
    "device, err: Input/output error",
    "state-not-saved": "vfio: Failed to save device config space of 0000:82:00.1 - Input/output "
    "error",
    "config-space-differs": "0000:82:00.1: Failed to load device config space",
    "device-stream-differs": "0000:82:00.1: SETUP STATE: EOS not found 0xffffffffef100002",
    "interrupts-not-set-up": "vfio: failed to enable vectors, -22",
    "device-lost": "vfio_err_notifier_handler(0000:82:00.1) Unrecoverable error detected. Please "
    "collect any data possible and then kill the guest",
    "vfio-error": "vfio 0000:82:00.1: failed to do something else",
    # QEMU about the migration
    "vfio-state-not-loaded": "error while loading state for instance 0x0 of device "
    "'0000:00:02.0/vfio'",
    "other-state-not-loaded": "error while loading state for instance 0x0 of device 'cpu'",
    "stream-version": "cpu_common: incoming version_id 2 is too new for local version_id 1",
    "guest-differs": "Unknown savevm section or instance '0000:00:07.0/virtio-net' 0. Make sure "
    "that your current VM setup matches your saved VM setup",
    "non-migratable-device": "State blocked by non-migratable device '0000:00:05.0/nvme'",
    "cpu-flag-blocks": "State blocked by non-migratable CPU device (invtsc flag)",
    "poisoned-memory": "Can't migrate this vm with hardware poisoned memory, please reboot the vm "
    "and try again",
    "migration-in-progress": "There's a migration process in progress",
    "connection-lost": "Unable to write to socket: Connection reset by peer",
    "load-failed": "qemu-kvm: load of migration failed: Invalid argument",
    # the kernel
    "memlock-exceeded": "vfio_pin_pages_remote: RLIMIT_MEMLOCK (65536) exceeded",
    "no-interrupt-remapping": "vfio_iommu_type1_attach_group: No interrupt remapping support. Use "
    'the module param "allow_unsafe_interrupts" to enable VFIO IOMMU support on this platform',
    "reserved-memory-of-firmware": "vfio-pci 0000:03:00.0: DMAR: Device is ineligible for IOMMU "
    "domain attach due to platform RMRR requirement. Contact your platform vendor.",
    "no-resources-for-vfs": "ixgbe 0000:03:00.0: not enough MMIO resources for SR-IOV",
    "reset-did-not-end": "vfio-pci 0000:82:00.1: not ready 65535ms after FLR; giving up",
    "iommu-fault": "DMAR: [DMA Write NO_PASID] Request device [82:00.1] fault addr 0x7f000",
    "bus-error": "pcieport 0000:80:01.0: PCIe Bus Error: severity=Uncorrectable (Fatal), "
    "type=Transaction Layer",
    "driver-did-not-bind": "mlx5_vfio_pci 0000:82:00.1: probe with driver mlx5_vfio_pci failed "
    "with error -22",
    "mlx5-command-failed": "mlx5_core 0000:82:00.0: mlx5_cmd_out_err:808:(pid 4711): "
    "LOAD_VHCA_STATE(0xb04) op_mod(0x0) failed, status bad parameter(0x3)",
    # libvirt
    "hook-failed": "Hook script execution failed: internal error: Child process (…) unexpected "
    "exit status 1",
    "hook-printed-no-xml": "(domain_definition):1: Couldn't find end of Start Tag domain line 1",
    "guest-changed": "unsupported configuration: Target domain device count 4 does not match "
    "source 3",
    "in-use-by-domain": "Requested operation is not valid: PCI device 0000:82:00.1 is in use by "
    "driver QEMU, domain g1",
    "must-be-detached": "unsupported configuration: Unmanaged PCI device 0000:82:00.1 must be "
    "manually detached from the host",
    "address-twice": "operation failed: Hostdev already exists in the domain configuration",
    "host-cannot-pass-devices": "unsupported configuration: host doesn't support passthrough of "
    "host PCI devices",
    "not-bound": "Failed to bind PCI device '0000:82:00.1' to vfio-pci: No such device",
    "not-reset": "internal error: Unable to reset PCI device 0000:82:00.1: no FLR, PM reset or bus "
    "reset available",
    "device-absent": "Device 0000:82:00.1 not found: could not access "
    "/sys/bus/pci/devices/0000:82:00.1/config: No such file or directory",
    "not-assignable": "PCI device 0000:82:00.1 is not assignable",
    "vf-settings-refused": "internal error: Unable to configure VF 3 of PF 'ens1f0' because the PF "
    "is not online",
    "memory-limit-not-set": "cannot limit locked memory of process 4711 to 1073741824: Operation "
    "not permitted",
    "guest-cpu-differs": "operation failed: guest CPU doesn't match specification: missing "
    "features: avx512f",
    "machine-type-unknown": "qemu-kvm: -machine pc-q35-rhel9.4.0: unsupported machine type",
    "name-taken": "operation failed: domain 'instance-00000001' already exists with uuid 7",
    "to-itself": "internal error: Attempt to migrate guest to the same host 00000000-0000",
    "unsafe-disks": "Unsafe migration: Migration without shared storage is unsafe",
    "daemon-unreachable": "unable to connect to server at 'compute2:49152': Connection refused",
    "not-authenticated": "authentication failed: Failed to verify peer's certificate",
    "busy": "Timed out during operation: cannot acquire state change lock (held by "
    "monitor=remoteDispatchDomainMigratePrepare3Params)",
    "libvirt-too-old": "Requested operation is not valid: cannot migrate a domain with <hostdev "
    "mode='subsystem' type='pci'>",
    "guest-not-migratable": "Requested operation is not valid: domain has active block job",
    "aborted": "operation aborted: job 'migration out' canceled by client",
    "destination-device-absent": "An error occurred, but the cause is unknown",
    "cannot-migrate-domain": "cannot migrate domain: something that only the newest QEMU has",
    "qemu-ended": "internal error: QEMU unexpectedly closed the monitor (vm='instance-00000001')",
    "job-failed": "operation failed: job 'migration out' unexpectedly failed",
}

#: The text of each row by its id.
EXAMPLES = {id_: error.format_message() for id_, error in OF_NOVA.items()} | _OF_OTHERS
