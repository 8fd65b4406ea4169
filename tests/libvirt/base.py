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

"""One pair of hosts for all libvirt tests of a process, empty at the begin of each test."""

from __future__ import annotations

import atexit
import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import testtools
from testtools import content

from tests import sysfs_tree
from tests.libvirt import hosts, qemu
from tests.libvirt.hosts import LibvirtHost
from vfio_lm.compute.domain.remap import hostdev_addresses

UUID = "11111111-2222-4333-8444-555555555555"

PLAIN_VF = "0000:02:00.1"
"""On both hosts, of another kind than the others, and bound to plain vfio-pci."""
ABSENT_VF = "0000:ca:1f.7"

_DOMAIN = """\
<domain type='qemu'>
 <name>{name}</name>
 <uuid>{uuid}</uuid>
 {metadata}
 <memory unit='MiB'>64</memory>
 <memtune><hard_limit unit='MiB'>8</hard_limit></memtune>
 <vcpu>1</vcpu>
 <os><type arch='x86_64' machine='q35'>hvm</type></os>
 <features><acpi/></features>
 <devices>
  <emulator>{emulator}</emulator>
  <controller type='pci' index='0' model='pcie-root'/>
  <controller type='pci' index='1' model='pcie-root-port'/>
  <controller type='pci' index='2' model='pcie-root-port'/>
  <controller type='usb' model='none'/>
  <memballoon model='none'/>
  {devices}
 </devices>
</domain>
"""

_SOURCE = "<address domain='0x{}' bus='0x{}' slot='0x{}' function='0x{}'/>"

_HOSTDEV = """\
<hostdev mode='subsystem' type='pci' managed='no'>
 <driver name='vfio'/>
 <source>
  {source}
 </source>
 <address type='pci' domain='0x0000' bus='0x{number:02x}' slot='0x00' function='0x0'/>
</hostdev>
"""

_BUSY_DISK = """\
<disk type='file' device='disk'>
 <driver name='qemu' type='raw'/>
 <source file='{path}'/>
 <target dev='vda' bus='virtio'/>
 <readonly/>
</disk>
"""


def domain_xml(
    vfs: Sequence[str],
    *,
    name: str = "g1",
    uuid: str = UUID,
    busy_disk: object = None,
    metadata: str = "",
) -> str:
    """Return the XML of a small server with VFs, which the guest has on buses 1, 2, …

    :param busy_disk: see :func:`tests.libvirt.qemu.write_busy_disk`
    """
    devices = [
        _HOSTDEV.format(source=_SOURCE.format(*vf.replace(".", ":").split(":")), number=number)
        for number, vf in enumerate(vfs, 1)
    ]
    if busy_disk is not None:
        devices.append(_BUSY_DISK.format(path=busy_disk))
    return _DOMAIN.format(
        name=name,
        uuid=uuid,
        metadata=metadata,
        emulator=qemu.EMULATOR,
        devices="".join(devices),
    )


def _prepare(source: sysfs_tree.SysfsTree, destination: sysfs_tree.SysfsTree) -> None:
    """Give both hosts the VFs 0000:65:00.1 to .3 and 0000:ca:00.1 to .3 on a variant driver."""
    for tree in (source, destination):
        sysfs_tree.mlx5(tree, "0000:65:00.0", vfs=3)
        sysfs_tree.mlx5(tree, "0000:ca:00.0", vfs=3)
        sysfs_tree.igb(tree, "0000:02:00.0", vfs=1, driver="vfio-pci", offset=1)


class _SharedHosts:
    """The hosts of this process: started for the first test, stopped at exit."""

    def __init__(self) -> None:
        self._hosts: tuple[LibvirtHost, LibvirtHost] | None = None

    def get(self) -> tuple[LibvirtHost, LibvirtHost]:
        if self._hosts is None:
            stack = contextlib.ExitStack()
            self._hosts = stack.enter_context(hosts.pair(_prepare))
            atexit.register(stack.close)
        return self._hosts


_SHARED = _SharedHosts()


class LibvirtTestCase(testtools.TestCase):
    """A test on two hosts; ``self.source`` and ``self.destination`` have no domain at first."""

    def setUp(self) -> None:
        super().setUp()
        missing = hosts.missing()
        if missing is not None:
            self.skipTest(missing)
        self.source_host, self.destination_host = _SHARED.get()
        self.addOnException(self._attach_logs)
        self.prepare_hosts()
        self.source = self._connected(self.source_host)
        self.destination = self._connected(self.destination_host)
        self.busy_disk = self.source_host.folder.parent / "busy-disk"
        qemu.write_busy_disk(self.busy_disk)
        self.addCleanup(self.remove_domains)
        self.remove_domains()

    def prepare_hosts(self) -> None:
        """Change something about the hosts before anybody connects to them."""

    def start(self, vfs: Sequence[str], **options: Any) -> Any:
        """Define and start a domain on the source; the arguments are those of the XML."""
        domain = self.source.defineXML(domain_xml(vfs, **options))
        domain.create()
        return domain

    def migrate(self, *arguments: str, domain: str = "g1") -> subprocess.CompletedProcess[str]:
        """Run ``vfio-lm-host migrate`` on the source."""
        return self.source_host.vfio_lm_host(
            "migrate", domain, self.destination_host.uri, *arguments
        )

    def migrate_in_background(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``vfio-lm-host migrate`` on the source; it is ended with the test."""
        process = self.source_host.popen(
            *hosts.vfio_lm_host("migrate", "g1", self.destination_host.uri, *arguments)
        )
        self.addCleanup(self._end, process)
        return process

    def migrate_by_libvirt(
        self, mapping: Mapping[str, str], *, with_config: bool = True
    ) -> tuple[int, str] | None:
        """Move the domain as anybody might who does not check anything first.

        :param with_config: whether the configuration gets the new addresses, too
        :returns: the number and the text of libvirt's error, or None
        """
        import libvirt

        domain = self.source.lookupByName("g1")
        flags = libvirt.VIR_DOMAIN_XML_MIGRATABLE
        parameters = {libvirt.VIR_MIGRATE_PARAM_DEST_XML: _mapped(domain.XMLDesc(flags), mapping)}
        if with_config:
            config = domain.XMLDesc(flags | libvirt.VIR_DOMAIN_XML_INACTIVE)
            parameters[libvirt.VIR_MIGRATE_PARAM_PERSIST_XML] = _mapped(config, mapping)
        how = (
            libvirt.VIR_MIGRATE_LIVE
            | libvirt.VIR_MIGRATE_PEER2PEER
            | libvirt.VIR_MIGRATE_PERSIST_DEST
            | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
        )
        try:
            domain.migrateToURI3(self.destination_host.uri, parameters, how)
        except libvirt.libvirtError as exc:
            return exc.get_error_code(), str(exc)
        return None

    def names(self, connection: Any) -> list[str]:
        """Return the domains of a host, running or not."""
        return sorted(domain.name() for domain in connection.listAllDomains())

    def devices(self, connection: Any, name: str = "g1") -> tuple[list[str], list[str]]:
        """Return a domain's devices on its host: the running one's, the configuration's."""
        import libvirt

        domain = connection.lookupByName(name)
        live, config = (
            [str(address) for address in hostdev_addresses(domain.XMLDesc(flags))]
            for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE)
        )
        return live, config

    def is_running(self, connection: Any, name: str = "g1") -> bool:
        import libvirt

        return bool(connection.lookupByName(name).state()[0] == libvirt.VIR_DOMAIN_RUNNING)

    def writes_memory(self, domain: Any) -> bool:
        """Whether a guest with the busy disk has booted from it."""
        import libvirt

        return any(domain.memoryPeek(qemu.BUSY_MEMORY, 4, libvirt.VIR_MEMORY_PHYSICAL))

    def assert_still_on_source(self) -> None:
        self.assertEqual(["g1"], self.names(self.source))
        self.assertTrue(self.is_running(self.source))
        self.assertEqual([], self.names(self.destination))

    def _connected(self, host: LibvirtHost) -> Any:
        connection = host.open()
        self.addCleanup(connection.close)
        return connection

    def remove_domains(self) -> None:
        """End and forget all domains of both hosts."""
        import libvirt

        for connection in (self.source, self.destination):
            for domain in connection.listAllDomains():
                for remove in (domain.abortJob, domain.destroy, domain.undefine):
                    with contextlib.suppress(libvirt.libvirtError):
                        remove()

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.source_host.signal(process, 9)
        process.communicate(timeout=hosts.SECONDS)

    def _attach_logs(self, _: object) -> None:
        for host in (self.source_host, self.destination_host):
            self.addDetail(host.name, content.text_content(host.log()))


def _mapped(xml: str, mapping: Mapping[str, str]) -> str:
    """Replace addresses, even by such as our own remap would refuse."""
    for here, there in mapping.items():
        before, after = (_SOURCE.format(*vf.replace(".", ":").split(":")) for vf in (here, there))
        xml = xml.replace(before, after)
    return xml
