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

"""What QEMU says of a migration as a whole: its stream, its memory, its other devices."""

from __future__ import annotations

import functools

from vfio_lm.error_texts.row import Certainty, Software, row

_row = functools.partial(row, software=Software.QEMU)

_SAME_GUEST = (
    "compare the machine type, CPU and devices of the two: virsh dumpxml on the source, and QEMU's "
    "log on the destination"
)

ROWS = (
    _row(
        "vfio-state-not-loaded",
        pattern=r"error while loading state for instance \S+ of device '[^']*vfio|"
        r"load of migration failed:.{0,200}vfio|Load state of device [^ ]*vfio\S* failed",
        cause="the destination's driver did not take the state of the device",
        check="destination-same-driver",
        remedy="give both hosts the same driver and firmware: vfio-lm-host probe",
        source="migration/savevm.c, qemu_loadvm_section_start_full",
        since="7.2",
        is_state_lost=True,
    ),
    _row(
        "other-state-not-loaded",
        pattern=r"error while loading state (?:section id|"
        r"for instance \S+ of device '(?!.{0,60}vfio))|"
        r"Load state of device \S+ failed|Failed to load \w+:\w+",
        cause="QEMU on the destination could not load a device's state: it differs there in model, "
        "version or configuration",
        check="destination-hypervisor",
        remedy=_SAME_GUEST,
        source="migration/savevm.c, migration/vmstate.c",
        since="7.2",
        is_state_lost=True,
    ),
    _row(
        "stream-version",
        pattern=r"incoming version_id \d+ is too (?:new|old)|unsupported version \d+ for|"
        r"Unsupported migration stream version|Not a migration stream|Configuration section "
        r"missing",
        cause="QEMU on the destination does not understand the source's migration stream: its "
        "version "
        "is older, or another machine type is in use",
        check="destination-hypervisor",
        remedy="upgrade QEMU on the destination, or use a machine type that both know",
        source="migration/vmstate.c, migration/savevm.c",
        since="7.2",
        is_state_lost=True,
    ),
    _row(
        "guest-differs",
        pattern=r"Unknown savevm section|Unknown ramblock|Mismatched (?:RAM page size|GPAs)|"
        r"Size mismatch: |Features 0x[0-9a-f]+ unsupported|Length mismatch: |Machine type "
        r"received is|"
        r"Bad config data: i=|Missing section footer",
        cause="the guest on the destination has other devices, memory or firmware than on the "
        "source",
        check="destination-hypervisor",
        remedy=_SAME_GUEST,
        source="migration/savevm.c, migration/ram.c, hw/pci/pci.c",
        since="7.2",
        is_state_lost=True,
    ),
    _row(
        "no-memory-for-guest",
        pattern=r"unable to map backing store for guest RAM|cannot set up guest memory",
        cause="the host in the message has no memory, or not enough huge pages, for the guest",
        check="destination-capacity",
        remedy="reserve huge pages there, or choose another host",
        source="util/mmap-alloc.c, softmmu/physmem.c",
        since="7.2",
    ),
    _row(
        "command-unknown",
        pattern=r"The command \S+ has not been found",
        cause="libvirt on that host is older than QEMU there needs",
        check="destination-hypervisor",
        remedy="upgrade libvirt on that host",
        source="qapi/qmp-dispatch.c",
        since="7.2",
    ),
    _row(
        "non-migratable-device",
        pattern=r"State blocked by non-migratable device '([^']*)'",
        cause="the device {0} of the guest cannot be migrated",
        remedy="take that device out of the server, or migrate it cold: openstack server migrate",
        without_nova="take that device out of the domain, or shut it down and move it",
        source="migration/savevm.c, qemu_savevm_state_blocked",
        since="7.2",
    ),
    _row(
        "cpu-flag-blocks",
        pattern=r"State blocked by non-migratable CPU device|nested "
        r"(?:VMX|virtualization).{0,200}migrat",
        cause="the guest's CPU has a feature that QEMU does not migrate, invtsc for instance",
        check="destination-processor",
        remedy="use a CPU model without it: [libvirt]cpu_mode, cpu_model_extra_flags",
        source="target/i386/kvm/kvm.c, migration/savevm.c",
        since="7.2",
    ),
    _row(
        "poisoned-memory",
        pattern=r"hardware poisoned memory",
        cause="a memory page of the guest is defective",
        remedy="restart the server, and look at the memory of the source: dmesg, rasdaemon",
        source="migration/migration.c, migrate_prepare",
        since="9.0",
    ),
    _row(
        "migration-in-progress",
        pattern=r"There's a migration process in progress|Guest is waiting for an incoming "
        r"migration|"
        r"paused due to previous migration|incoming migration has already been started",
        cause="QEMU is still busy with another migration of the server",
        remedy="let it end or abort it: virsh domjobinfo DOMAIN, virsh domjobabort DOMAIN",
        source="migration/migration.c",
        since="7.2",
    ),
    _row(
        "connection-lost",
        pattern=r"Unable to (?:write to|read from) socket|Channel error: |"
        r"[Ff]ailed to read section ID|Failed to read instance/version ID",
        cause="the connection between the two QEMUs broke: often the other side ended first, and "
        "says why in its own log",
        certainty=Certainty.POSSIBLE,
        remedy="see QEMU's log of the server on both hosts: /var/log/libvirt/qemu; give it with "
        "--from-log",
        without_nova="see QEMU's log of the domain on both hosts: /var/log/libvirt/qemu",
        source="migration/qemu-file.c, io/channel-socket.c",
        since="7.2",
        is_fallback=True,
    ),
    _row(
        "load-failed",
        pattern=r"load of migration failed|Error -?\d+ while loading VM state",
        cause="QEMU on the destination could not load the guest's state; the lines before say of "
        "which device",
        certainty=Certainty.LIKELY,
        check="destination-same-driver",
        remedy="give QEMU's log of the server from the destination with --from-log: "
        "/var/log/libvirt/qemu",
        without_nova="see QEMU's log of the domain on the destination: /var/log/libvirt/qemu",
        source="migration/migration.c, process_incoming_migration_co",
        since="7.2",
        is_fallback=True,
        is_state_lost=True,
    ),
)
