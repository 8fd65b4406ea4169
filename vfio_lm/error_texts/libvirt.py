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

"""What libvirt says of a migration: its own refusals, and how it reports that QEMU ended."""

from __future__ import annotations

import functools

from vfio_lm.error_texts.row import Certainty, Software, row

_row = functools.partial(row, software=Software.LIBVIRT)

_HOOKS = "/etc/libvirt/hooks on the destination"
_MIGRATION = "src/qemu/qemu_migration.c"

ROWS = (
    # libvirt quotes what a hook says; these are the words of ours (vfio_lm/compute/guard/hook.py)
    _row(
        "guard-refused",
        pattern=r"vfio-lm(?: on \S+)?: incoming migration of .{1,300} refused",
        cause="the guard on the destination refused",
        remedy="mend what it names after 'refused:'; nothing has moved",
        without_nova="mend what it names after 'refused:'; nothing has moved",
        source="src/util/virhook.c",
        since="9.0",
    ),
    _row(
        "hook-failed",
        pattern=r"Hook script execution failed",
        cause="a libvirt hook on the destination refused, which may be the guard",
        remedy=f"read its own words in the message; the hooks are in {_HOOKS}",
        without_nova="read the guard's own words in the line before; 'vfio-lm-host hook status' on "
        "the destination says which guard is installed",
        source="src/util/virhook.c",
        since="9.0",
    ),
    _row(
        "hook-printed-no-xml",
        pattern=r"\(domain_definition\):\d+:",
        cause="a hook on the destination printed something that is not domain XML",
        remedy=f"look at {_HOOKS}",
        source=f"{_MIGRATION}, qemuMigrationDstPrepareAny",
        since="9.0",
    ),
    _row(
        "guest-changed",
        pattern=r"Target .{0,80}(?:does not|doesn't) match source",
        cause="the domain that was to start on the destination would be another one for the guest",
        remedy=f"find out what changes it: the hooks in {_HOOKS}",
        source="src/conf/domain_conf.c, virDomainDefCheckABIStability",
        since="9.0",
    ),
    _row(
        "in-use-by-domain",
        pattern=r"PCI device \S+ is in use|Device \S+ is already in use",
        cause="the device that was chosen on the destination belongs to another server there",
        check="host-drivers",
        remedy="find out which of the two nova does not know: openstack vfio device show",
        without_nova="name a free device with --map",
        source="src/hypervisor/virhostdev.c",
        since="9.0",
    ),
    _row(
        "must-be-detached",
        pattern=r"must be manually detached",
        cause="libvirt before 10.0 takes a device with managed='no' only from vfio-pci, not from a "
        "variant driver",
        check="host-drivers",
        remedy="upgrade libvirt on that host to 10.0 or later",
        without_nova="use libvirt 10.0 or later on that host, or run 'virsh nodedev-detach' there",
        source="src/hypervisor/virhostdev.c, virHostdevPreparePCIDevicesImpl",
        since="9.0",
    ),
    _row(
        "address-twice",
        pattern=r"Hostdev already exists in the domain configuration",
        cause="two devices of the server got the same address on the destination",
        check="host-drivers",
        remedy="start nova-compute as vfio-lm-nova-compute, which corrects nova's map of addresses",
        without_nova="give each device its own with --map",
        source="src/conf/domain_conf.c",
        since="9.0",
    ),
    _row(
        "host-cannot-pass-devices",
        pattern=r"host doesn.t support (?:VFIO PCI |legacy PCI )?passthrough|VFIO PCI device "
        r"assignment is not supported|VFIO device assignment is not available|pci backend driver "
        r"(?:type )?\'\w+\' is not supported",
        cause="libvirt found no IOMMU group on the host, or no VFIO",
        remedy="turn the IOMMU on in the firmware and on the kernel's command line "
        "(intel_iommu=on), "
        "restart the host, and load vfio_pci",
        source="src/qemu/qemu_domain.c, qemuDomainSupportsPCIMultibus",
        since="9.0",
    ),
    _row(
        "not-bound",
        pattern=r"(?:Failed|Unable) to (?:un)?bind PCI device|Failed to trigger a probe for PCI "
        r"device|Failed to add driver '\S+' to driver_override|Failed to load PCI (?:driver|stub) "
        r"module|"
        r"module '\S+' does not implement any pci driver",
        cause="the kernel did not bind the VF to the driver that libvirt asked for",
        check="host-drivers",
        remedy="see what the kernel says of it: dmesg; vfio-lm-host probe shows the drivers",
        source="src/util/virpci.c",
        since="9.0",
    ),
    _row(
        "not-reset",
        pattern=r"Unable to reset PCI device|Not resetting active device|not doing bus reset",
        cause="the device could not be reset before the server was to get it",
        remedy="see whether another device of its bus is in use; a VF needs function level reset",
        source="src/util/virpci.c, virPCIDeviceReset",
        since="9.0",
    ),
    _row(
        "device-absent",
        pattern=r"Device \S+ not found: could not access|host pci device \S+ not found|"
        r"Invalid device \S+ (?:driver|iommu_group) file \S+ is not a symlink|"
        r"no node device with matching name",
        cause="the device that was chosen does not exist on that host, or has no driver",
        check="host-drivers",
        remedy="create the VFs there and bind them to their VFIO driver: vfio-lm-host probe",
        source="src/util/virpci.c, virPCIDeviceNew",
        since="9.0",
    ),
    _row(
        "not-assignable",
        pattern=r"PCI device \S+ is not assignable|Non-endpoint PCI devices cannot be assigned|"
        r"behind a switch lacking ACS",
        cause="libvirt does not hand this device to guests: it is no endpoint, or not isolated "
        "from "
        "others",
        remedy="use a slot behind a bridge with ACS; nova must not offer PFs or bridges: [pci]"
        "device_spec",
        source="src/hypervisor/virhostdev.c, src/util/virpci.c",
        since="9.0",
    ),
    _row(
        "vf-settings-refused",
        pattern=r"Cannot set interface MAC|Cannot get interface flags on|VF \S+ still in "
        r"reset|Unable to (?:set|send|configure) VF|"
        r"The PF device for VF \S+ has no network device name|error setting VF",
        cause="the PF's driver did not take the MAC address or the VLAN of the VF",
        remedy="on that host: ip link show PF; the PF must be up and bound to its network driver",
        source="src/util/virnetdev.c",
        since="9.0",
    ),
    _row(
        "memory-limit-not-set",
        pattern=r"cannot limit locked memory",
        cause="libvirt could not raise QEMU's limit of locked memory",
        remedy="run libvirt's service with CAP_SYS_RESOURCE, or raise its LimitMEMLOCK",
        source="src/util/virprocess.c, virProcessSetMaxMemLock",
        since="9.0",
    ),
    _row(
        "guest-cpu-differs",
        pattern=r"guest CPU (?:doesn.t|does not|is not) (?:match|compatible)|"
        r"the CPU is incompatible with host CPU|CPU mode '\S+' for \S+ \S+ domain on \S+ host is "
        r"not supported",
        cause="the CPU of the destination lacks something that the guest's CPU model needs",
        check="destination-processor",
        remedy="choose another host, or give both the same CPU model: [libvirt]cpu_mode, "
        "cpu_models",
        without_nova="choose another host, or a CPU model that both have: virsh "
        "hypervisor-cpu-compare",
        source="src/qemu/qemu_process.c",
        since="9.0",
    ),
    _row(
        "machine-type-unknown",
        pattern=r"unsupported machine type|does not support machine type|"
        r"Emulator '\S+' does not support",
        cause="QEMU on the destination does not know the guest's machine type",
        check="destination-hypervisor",
        remedy="upgrade QEMU on the destination, or choose another host",
        source="src/qemu/qemu_validate.c, QEMU's hw/core/machine.c",
        since="9.0",
    ),
    _row(
        "name-taken",
        pattern=r"domain '\S+' (?:already exists|is already (?:defined|active))|"
        r"VM '\S+' is already active",
        cause="a domain of that name was left on the destination by an earlier migration",
        remedy="see whether it runs there, and undefine it if it does not: virsh list --all",
        source="src/conf/virdomainobjlist.c",
        since="9.0",
    ),
    _row(
        "to-itself",
        pattern=r"Attempt to migrate guest to the same host|resolved to localhost, but migration "
        r"requires an FQDN",
        cause="libvirt takes the destination for the source: both have the same host UUID, or the "
        "name of the destination leads to localhost",
        remedy="set host_uuid in libvirtd.conf of cloned hosts; take the host's name off the "
        "127.0.0.1 line of /etc/hosts",
        source="src/qemu/qemu_migration_cookie.c, src/qemu/qemu_migration.c",
        since="9.0",
    ),
    _row(
        "unsafe-disks",
        pattern=r"Migration without shared storage is unsafe|Migration may lead to data corruption",
        cause="a disk is not on storage that both hosts share, or is cached by the host",
        remedy="let nova choose the kind of migration; disks need cache=none or directsync",
        without_nova="this command moves no disks: put them on shared storage",
        source=f"{_MIGRATION}, qemuMigrationSrcIsSafe",
        since="9.0",
    ),
    _row(
        "disk-missing",
        pattern=r"Unable to stat /|Cannot access storage file",
        cause="a disk of the server is not there on the destination, or QEMU may not open it",
        remedy="see the path in the message on that host: mounts, owner, SELinux and AppArmor",
        source="src/storage_file/storage_source.c",
        since="9.0",
    ),
    _row(
        "tunnelled",
        pattern=r"not supported (?:by|with) tunnelled migration",
        cause="a tunnelled migration was asked for, which excludes other options",
        remedy="take live_migration_tunnelled out of [libvirt], and use "
        "live_migration_with_native_tls",
        without_nova="migrate without a tunnel",
        source=f"{_MIGRATION}",
        since="9.0",
    ),
    _row(
        "domain-not-running",
        pattern=r"domain is not running",
        cause="the guest was not running on the source when libvirt was to migrate it, or it ended "
        "meanwhile",
        check="server-state",
        remedy="see why: virsh domstate --reason DOMAIN, and QEMU's log in /var/log/libvirt/qemu",
        source="src/conf/domain_conf.c, virDomainObjCheckActive",
        since="9.0",
    ),
    _row(
        "daemon-unreachable",
        pattern=r"unable to connect to server at|Failed to connect socket to|"
        r"Cannot recv data: (?!Host key)|End of file while reading data|No route to host|"
        r"Lost connection to destination host|Cannot check QEMU binary|"
        r"client socket is closed|keepalive timeout|internal error: client socket",
        cause="libvirt on the source does not reach libvirt or QEMU on the destination, or lost it",
        remedy="on the source: virsh -c qemu+tls://DESTINATION/system hostname; TCP ports 16514 or "
        "16509, and 49152 to 49215 must be open",
        without_nova="check name resolution, libvirt's transport, and TCP ports 49152 to 49215",
        source="src/rpc/virnetsocket.c, src/rpc/virnetclient.c",
        since="9.0",
    ),
    _row(
        "not-authenticated",
        pattern=r"authentication (?:failed|unavailable)|TLS handshake failed|"
        r"owner does not match the hostname|Cannot read CA certificate|"
        r"Host key verification failed|Unable to access credentials|"
        r"Cannot (?:read from|write to) TLS channel",
        cause="libvirt on the destination does not trust the one on the source",
        remedy="on the source: virsh -c qemu+tls://DESTINATION/system hostname; check the TLS "
        "certificates or SSH keys of both hosts",
        source="src/rpc/virnettlscontext.c, src/rpc/virnetclient.c",
        since="9.0",
    ),
    _row(
        "busy",
        pattern=r"cannot acquire state change lock|another migration job is already running",
        cause="libvirt was busy with the server, perhaps with a migration before this one",
        remedy="wait for it to end (virsh domjobinfo DOMAIN), then start the migration again",
        source="src/qemu/qemu_domainjob.c",
        since="9.0",
    ),
    _row(
        "libvirt-too-old",
        pattern=r"cannot migrate a domain with <(?:hostdev|interface)|domain has assigned "
        r"(?:non-USB )?host devices",
        cause="libvirt on the source does not migrate a server with such a device",
        check="destination-hypervisor",
        remedy="upgrade libvirt on both hosts to 10.0 or later",
        certainty=Certainty.LIKELY,
        source=f"{_MIGRATION}, qemuMigrationSrcIsAllowedHostdev",
        since="9.0",
    ),
    _row(
        "guest-not-migratable",
        pattern=r"cannot migrate domain with (?:\d+ snapshots|I/O error)|domain has active block "
        r"job|"
        r"domain has 'invtsc' CPU feature|vDPA devices cannot be migrated|Cannot migrate empty or "
        r"read-only disk|migration with (?:this )?"
        r"(?:virtiofs|transient disk)",
        cause="the guest has, or is doing, something that libvirt does not migrate",
        remedy="end the block job, delete the snapshot or take the device out that the message "
        "names, and start the migration again",
        source=f"{_MIGRATION}, qemuMigrationSrcIsAllowed",
        since="9.0",
    ),
    _row(
        "aborted",
        pattern=r"cancell?ed by client",
        cause="somebody aborted it",
        remedy="start it again: openstack vfio migration start SERVER",
        without_nova="start it again",
        certainty=Certainty.LIKELY,
        source=f"{_MIGRATION}, qemuMigrationJobCheckStatus",
        since="9.0",
    ),
    _row(
        "destination-device-absent",
        pattern=r"An error occurred, but the cause is unknown",
        cause="libvirt says this when a device that was chosen does not exist on the destination",
        check="host-drivers",
        remedy="see whether the VFs exist there: vfio-lm-host probe",
        without_nova="see whether the devices exist on the destination: vfio-lm-host probe there",
        certainty=Certainty.POSSIBLE,
        source="src/libvirt.c (no error was set)",
        since="9.0",
    ),
    _row(
        "cannot-migrate-domain",
        pattern=r"cannot migrate domain: \S",
        cause="QEMU at the source blocks the migration, for the reason in the message",
        check="host-drivers",
        remedy="see what QEMU names in the message; for a device: vfio-lm-host probe",
        certainty=Certainty.POSSIBLE,
        source=f"{_MIGRATION}, qemuMigrationSrcIsAllowed",
        since="9.0",
        is_fallback=True,
    ),
    _row(
        "qemu-ended",
        pattern=r"(?:QEMU|qemu) unexpectedly closed the monitor|"
        r"(?:process|Process) exited while connecting to monitor|guest unexpectedly quit|Unable "
        r"to read from monitor|End of "
        r"file from qemu monitor|QEMU monitor was closed",
        cause="QEMU at the destination ended, for a reason that is not in these words",
        remedy="give QEMU's log of the server from the destination with --from-log: "
        "/var/log/libvirt/qemu",
        without_nova="see QEMU's log of the domain on the destination: /var/log/libvirt/qemu",
        certainty=Certainty.POSSIBLE,
        source="src/qemu/qemu_process.c, src/qemu/qemu_monitor.c",
        since="9.0",
        is_fallback=True,
    ),
    _row(
        "job-failed",
        pattern=r"job 'migration \w+' (?:failed|unexpectedly failed|is not active)|migration "
        r"(?:out|"
        r"in) job: unexpectedly failed|operation failed: migration job",
        cause="QEMU ended the migration, and libvirt does not know why",
        remedy="give QEMU's logs of the server from both hosts with --from-log: "
        "/var/log/libvirt/qemu",
        without_nova="see QEMU's log of the domain on both hosts: /var/log/libvirt/qemu",
        certainty=Certainty.POSSIBLE,
        source=f"{_MIGRATION}, qemuMigrationJobCheckStatus",
        since="9.0",
        is_fallback=True,
    ),
)
