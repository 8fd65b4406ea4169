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

"""Builds the part of a host's files that shows its PCI devices; nothing in it is a device.

A :class:`SysfsTree` writes into a folder what the kernel, libvirt and depmod would::

    tree = SysfsTree(folder)                          # sys/, proc/, lib/modules/, dev/vfio/
    vfs = mlx5(tree, "0000:81:00.0", vfs=2)           # ConnectX-7; returns the VFs' addresses
    plain = igb(tree, "0000:02:00.0", vfs=1, driver="vfio-pci")
    tree.hold(vfs[0], "instance-00000001", uuid)      # a libvirt domain has it: run/libvirt/qemu
    tree.open(vfs[1], 4711, "qemu-system-x86")        # a process has it open: proc/4711/fd
    tree.debug(vfs[0], state="RUNNING", features="stop-copy\\np2p\\n")
    tree.bind(plain[0], "igbvf")                      # or None; links and nodes follow

Cards: :func:`mlx5`, :func:`nvidia_vgpu`, :func:`qat`, :func:`nvme`, :func:`igb` (each a PF and its
VFs) and :func:`plain_function` (no SR-IOV, on vfio-pci). All of them take ``driver`` (of the VFs),
``numa_node`` and ``offset`` (of the first VF from its PF, as ``sriov_offset``), and each VF gets an
IOMMU group of its own; ``tree.add_function`` and ``tree.add_vf`` build whatever else is needed.

Links are relative, as in a real sysfs, and lead from ``sys/bus/pci/devices`` into ``sys/devices``.
To put the tree under a real libvirtd, in a mount namespace of its own: bind the real folders over
the empty ones that :data:`MOUNT_POINTS` names, then ``ROOT/sys`` over ``/sys`` with
``mount --rbind``, then ``ROOT/dev/vfio`` over ``/dev/vfio``. The files ``bind``, ``unbind``,
``driver_override`` and ``drivers_probe`` take whatever is written and do nothing: use
``managed='no'``.
"""

from __future__ import annotations

import os
import pathlib
import struct
from collections.abc import Sequence

MOUNT_POINTS = ("sys/devices/system", "sys/fs/cgroup", "sys/kernel/mm", "sys/kernel/security")
"""Empty folders of the tree over which the machine's own may be mounted."""

MODULES_ALIAS = """\
# Aliases extracted from modules themselves.
alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core
alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci
alias vfio_pci:v00008086d00004941sv*sd*bc*sc*i* qat_vfio_pci
alias vfio_pci:v00001AF4d00001041sv*sd*bc*sc*i* virtio_vfio_pci
alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci
alias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf
"""
"""As depmod writes it, shortened."""

_VFIO_DRIVERS = ("vfio-pci", "mlx5_vfio_pci", "qat_vfio_pci", "nvidia", "labvf_vfio_pci")
_FIRST_GROUP = 40
_BRIDGE_CLASS = "060400"


class SysfsTree:
    """A host's files under a folder.

    :param root: the folder; what ``vfio-lm-host probe --sysfs`` takes
    :param release: the kernel's release
    :param modules_alias: the text of its ``modules.alias``; None: the kernel has no such file
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        release: str = "6.12.107-amd64",
        modules_alias: str | None = MODULES_ALIAS,
    ) -> None:
        self.root = pathlib.Path(root)
        self._groups: dict[str, int] = {}
        self._nodes: dict[str, str] = {}
        for folder in (*MOUNT_POINTS, "sys/bus/pci/devices", "sys/kernel/iommu_groups"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.write("sys/bus/pci/drivers_probe", "")
        self.write("proc/sys/kernel/osrelease", f"{release}\n")
        self.write("dev/vfio/vfio", "")
        if modules_alias is not None:
            self.write(f"lib/modules/{release}/modules.alias", modules_alias)

    def write(self, path: str, content: str | bytes) -> pathlib.Path:
        """Write a file of the tree, whatever it was before."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def link(self, path: str, target: str) -> None:
        """Make a relative link from one path of the tree to another."""
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        # The kernel ends each link with the name of what it leads to, never with dots.
        end = self.root / target
        link.symlink_to(pathlib.Path(os.path.relpath(end.parent, link.parent)) / end.name)

    def add_libvirt(self) -> None:
        """Make the folders that a libvirt has from its start on."""
        for folder in ("etc/libvirt/qemu", "run/libvirt/qemu"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def device(self, address: str) -> str:
        """Return the path of a function's folder, relative to the root."""
        link = self.root / "sys/bus/pci/devices" / address
        return os.path.relpath(link.resolve(), self.root.resolve())

    def group(self, address: str) -> int:
        """Return the IOMMU group that a function was given."""
        return self._groups[address]

    def add_function(
        self,
        address: str,
        vendor_id: str,
        product_id: str,
        *,
        class_code: str = "020000",
        driver: str | None = None,
        numa_node: int = -1,
        group: int | None = None,
        has_group: bool = True,
        interface: str | None = None,
    ) -> str:
        """Add a PCI function, with the bridge above it.

        :param group: its IOMMU group; one of its own where none is given
        :param interface: the name of its network interface
        :returns: its address
        """
        folder = f"{self._bus_folder(address)}/{address}"
        ids = (
            f"v0000{vendor_id.upper()}d0000{product_id.upper()}sv0000{vendor_id.upper()}sd00000001"
        )
        classes = f"bc{class_code[:2]}sc{class_code[2:4]}i{class_code[4:]}".upper()
        for name, text in {
            "vendor": f"0x{vendor_id}",
            "device": f"0x{product_id}",
            "subsystem_vendor": f"0x{vendor_id}",
            "subsystem_device": "0x0001",
            "revision": "0x00",
            "class": f"0x{class_code}",
            "numa_node": str(numa_node),
            "driver_override": "(null)",
            "resource": "0x0000000000000000 0x0000000000000000 0x0000000000000000",
            "modalias": f"pci:{ids}{classes.replace('BC', 'bc').replace('SC', 'sc').lower()}",
            "reset": "",
            "remove": "",
        }.items():
            self.write(f"{folder}/{name}", f"{text}\n")
        self.write(f"{folder}/config", _config_space(vendor_id, product_id, class_code))
        self.link(f"sys/bus/pci/devices/{address}", folder)
        self.link(f"{folder}/subsystem", "sys/bus/pci")
        if has_group:
            self._join_group(address, group)
        if interface is not None:
            self.write(f"{folder}/net/{interface}/ifindex", "2\n")
            self.link(f"{folder}/net/{interface}/device", folder)
            self.link(f"sys/class/net/{interface}", f"{folder}/net/{interface}")
        self.bind(address, driver)
        return address

    def add_pf(
        self,
        address: str,
        vendor_id: str,
        product_id: str,
        *,
        total_vfs: int,
        driver: str | None = None,
        **options: object,
    ) -> str:
        """Add a function that can have ``total_vfs`` VFs, and has none yet."""
        self.add_function(address, vendor_id, product_id, **options)
        folder = self.device(address)
        self.write(f"{folder}/sriov_totalvfs", f"{total_vfs}\n")
        self.write(f"{folder}/sriov_numvfs", "0\n")
        self.write(f"{folder}/sriov_drivers_autoprobe", "1\n")
        self.bind(address, driver)
        return address

    def add_vf(
        self,
        pf: str,
        product_id: str,
        *,
        offset: int = 1,
        stride: int = 1,
        driver: str | None = None,
        interface: str | None = None,
        group: int | None = None,
    ) -> str:
        """Add the next VF of a PF, at the address that the PF's offset and stride give.

        :returns: its address
        """
        folder = self.root / self.device(pf)
        number = int((folder / "sriov_numvfs").read_text())
        domain, bus, rest = pf.split(":")
        slot, function = rest.split(".")
        routing = (int(bus, 16) << 8) + (int(slot, 16) << 3) + int(function)
        routing += offset + number * stride
        address = f"{domain}:{routing >> 8:02x}:{routing >> 3 & 0x1F:02x}.{routing & 7}"
        self.add_function(
            address,
            (folder / "vendor").read_text().strip()[2:],
            product_id,
            class_code=(folder / "class").read_text().strip()[2:],
            driver=driver,
            numa_node=int((folder / "numa_node").read_text()),
            group=group,
            interface=interface,
        )
        self.link(f"{self.device(address)}/physfn", self.device(pf))
        self.link(f"{self.device(pf)}/virtfn{number}", self.device(address))
        for name, value in (("numvfs", number + 1), ("offset", offset), ("stride", stride)):
            (folder / f"sriov_{name}").write_text(f"{value}\n")
        return address

    def bind(self, address: str, driver: str | None) -> None:
        """Bind a function to a driver, or to none; VFIO's nodes come and go with it."""
        folder = self.device(address)
        (self.root / folder / "driver").unlink(missing_ok=True)
        self._remove_vfio_nodes(address)
        if driver is None:
            return
        module = driver.replace("-", "_")
        for name in ("bind", "unbind", "new_id", "remove_id"):
            self.write(f"sys/bus/pci/drivers/{driver}/{name}", "")
        (self.root / "sys/module" / module).mkdir(parents=True, exist_ok=True)
        self.link(f"sys/bus/pci/drivers/{driver}/module", f"sys/module/{module}")
        self.link(f"{folder}/driver", f"sys/bus/pci/drivers/{driver}")
        is_pf = (self.root / folder / "sriov_totalvfs").exists()
        if driver in _VFIO_DRIVERS and not (driver == "nvidia" and is_pf):
            self._add_vfio_nodes(address)

    def hold(
        self,
        address: str,
        domain: str,
        uuid: str,
        *,
        as_interface: bool = False,
        is_running: bool = True,
    ) -> None:
        """Let a libvirt domain have the device, as libvirt's files tell it.

        :param as_interface: through ``<interface type='hostdev'>``
        :param is_running: whether it is the status file that shows it, or only the definition
        """
        bus_domain, bus, rest = address.split(":")
        slot, function = rest.split(".")
        source = (
            f"<source><address type='pci' domain='0x{bus_domain}' bus='0x{bus}' slot='0x{slot}' "
            f"function='0x{function}'/></source>"
        )
        device = (
            f"<interface type='hostdev' managed='yes'>{source}</interface>"
            if as_interface
            else f"<hostdev mode='subsystem' type='pci' managed='no'>{source}</hostdev>"
        )
        name = f"{'run' if is_running else 'etc'}/libvirt/qemu/{domain}.xml"
        template = _DOMAIN_STATUS if is_running else _DOMAIN
        file = self.root / name
        before = file.read_text() if file.exists() else template.format(domain, uuid)
        self.write(name, before.replace("</devices>", f"{device}</devices>"))

    def open(self, address: str, pid: int, command: str) -> None:
        """Let a process have the device's VFIO group open."""
        self.write(f"proc/{pid}/comm", f"{command}\n")
        folder = self.root / f"proc/{pid}/fd"
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.iterdir())) + 10
        (folder / str(number)).symlink_to(f"/dev/vfio/{self.group(address)}")

    def debug(self, address: str, *, state: str | None = None, features: str | None = None) -> None:
        """Let debugfs tell of a device on a VFIO driver; with neither, that it cannot migrate."""
        folder = f"sys/kernel/debug/vfio/{address}"
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        for name, text in (("state", state and f"{state}\n"), ("features", features)):
            if text is not None:
                self.write(f"{folder}/migration/{name}", text)

    def _bus_folder(self, address: str) -> str:
        """Return the folder of a bus, and make the root port that leads to it."""
        domain, bus, _ = address.split(":")
        root_bus = int(bus, 16) & 0xF0
        host_bridge = f"sys/devices/pci{domain}:{root_bus:02x}"
        (self.root / host_bridge).mkdir(parents=True, exist_ok=True)
        if int(bus, 16) == root_bus:
            return host_bridge
        port = f"{domain}:{root_bus:02x}:{int(bus, 16) - root_bus:02x}.0"
        if not (self.root / host_bridge / port).exists():
            self.add_function(port, "8086", "347a", class_code=_BRIDGE_CLASS, driver="pcieport")
        return f"{host_bridge}/{port}"

    def _join_group(self, address: str, group: int | None) -> None:
        number = max([_FIRST_GROUP - 1, *self._groups.values()]) + 1 if group is None else group
        self._groups[address] = number
        folder = f"sys/kernel/iommu_groups/{number}"
        self.link(f"{folder}/devices/{address}", self.device(address))
        self.link(f"{self.device(address)}/iommu_group", folder)

    def _add_vfio_nodes(self, address: str) -> None:
        if address in self._groups:
            self.write(f"dev/vfio/{self._groups[address]}", "")
        taken = set(self._nodes.values())
        node = next(name for n in range(4096) if (name := f"vfio{n}") not in taken)
        self._nodes[address] = node
        folder = f"{self.device(address)}/vfio-dev/{node}"
        self.write(f"{folder}/dev", "511:0\n")
        self.link(f"sys/class/vfio-dev/{node}", folder)
        self.write(f"dev/vfio/devices/{node}", "")

    def _remove_vfio_nodes(self, address: str) -> None:
        node = self._nodes.pop(address, None)
        if node is None:
            return
        folder = self.root / self.device(address) / "vfio-dev"
        (folder / node / "dev").unlink()
        (folder / node).rmdir()
        folder.rmdir()
        (self.root / "sys/class/vfio-dev" / node).unlink()
        (self.root / "dev/vfio/devices" / node).unlink()
        group = self._groups.get(address)
        if group not in {self._groups.get(other) for other in self._nodes}:
            (self.root / f"dev/vfio/{group}").unlink(missing_ok=True)


def mlx5(
    tree: SysfsTree,
    pf: str,
    *,
    vfs: int = 2,
    driver: str | None = "mlx5_vfio_pci",
    numa_node: int = 0,
    offset: int = 1,
    firmware: str | None = "28.39.1002",
) -> list[str]:
    """Add an NVIDIA ConnectX-7 port; its RDMA device shows the firmware's version."""
    interface = "ens" + "".join(filter(str.isalnum, pf))[-5:]
    tree.add_pf(
        pf, "15b3", "1021", total_vfs=16, driver="mlx5_core", numa_node=numa_node,
        interface=interface,
    )  # fmt: skip
    if firmware is not None:
        name = f"mlx5_{pf[-1]}_{pf[5:7]}"
        folder = f"{tree.device(pf)}/infiniband/{name}"
        tree.write(f"{folder}/fw_ver", f"{firmware}\n")
        tree.link(f"{folder}/device", tree.device(pf))
        tree.link(f"sys/class/infiniband/{name}", folder)
    return [tree.add_vf(pf, "101e", offset=offset, driver=driver) for _ in range(vfs)]


def nvidia_vgpu(
    tree: SysfsTree,
    pf: str,
    *,
    vgpu_types: Sequence[int] = (558, 558),
    driver: str | None = "nvidia",
    numa_node: int = 1,
    offset: int = 4,
) -> list[str]:
    """Add an NVIDIA GPU whose SR-IOV VFs are vGPUs of the given types; 0 is a VF without one."""
    tree.add_pf(
        pf, "10de", "2236", total_vfs=32, class_code="030200", driver="nvidia", numa_node=numa_node
    )
    vfs = []
    for vgpu_type in vgpu_types:
        vf = tree.add_vf(pf, "2236", offset=offset, driver=driver)
        tree.write(f"{tree.device(vf)}/nvidia/current_vgpu_type", f"{vgpu_type}\n")
        tree.write(
            f"{tree.device(vf)}/nvidia/creatable_vgpu_types", "ID    : vGPU Name\n558   : A10-8Q\n"
        )
        vfs.append(vf)
    return vfs


def qat(
    tree: SysfsTree,
    pf: str,
    *,
    vfs: int = 2,
    driver: str | None = "qat_vfio_pci",
    numa_node: int = 0,
    offset: int = 1,
) -> list[str]:
    """Add an Intel QuickAssist 4xxx."""
    tree.add_pf(
        pf, "8086", "4940", total_vfs=16, class_code="0b4000", driver="4xxx", numa_node=numa_node
    )
    return [tree.add_vf(pf, "4941", offset=offset, driver=driver) for _ in range(vfs)]


def nvme(
    tree: SysfsTree,
    pf: str,
    *,
    vfs: int = 1,
    driver: str | None = "vfio-pci",
    numa_node: int = 0,
    offset: int = 1,
) -> list[str]:
    """Add a Samsung NVMe drive with SR-IOV; no variant driver knows it."""
    tree.add_pf(
        pf, "144d", "a824", total_vfs=32, class_code="010802", driver="nvme", numa_node=numa_node
    )
    return [tree.add_vf(pf, "a824", offset=offset, driver=driver) for _ in range(vfs)]


def igb(
    tree: SysfsTree,
    pf: str,
    *,
    vfs: int = 1,
    driver: str | None = "igbvf",
    numa_node: int = -1,
    offset: int = 128,
) -> list[str]:
    """Add an Intel 82576, as QEMU emulates it; its VFs are every second function."""
    tree.add_pf(
        pf, "8086", "10c9", total_vfs=7, driver="igb", numa_node=numa_node,
        interface=f"enp{int(pf[5:7], 16)}s0",
    )  # fmt: skip
    return [tree.add_vf(pf, "10ca", offset=offset, stride=2, driver=driver) for _ in range(vfs)]


def plain_function(
    tree: SysfsTree, address: str, *, driver: str | None = "vfio-pci", numa_node: int = 0
) -> str:
    """Add a GPU without SR-IOV."""
    return tree.add_function(
        address, "10de", "1eb8", class_code="030200", driver=driver, numa_node=numa_node
    )


def _config_space(vendor_id: str, product_id: str, class_code: str) -> bytes:
    """Return a configuration space with a PCI Express capability that has function level reset."""
    is_bridge = class_code == _BRIDGE_CLASS
    space = bytearray(4096)
    struct.pack_into("<HHHH", space, 0, int(vendor_id, 16), int(product_id, 16), 0x0006, 0x0010)
    space[8:12] = bytes([0, *reversed(bytes.fromhex(class_code))])
    space[0x0E] = 1 if is_bridge else 0
    space[0x34] = 0x40
    struct.pack_into("<BBH", space, 0x40, 0x10, 0, 0x0042 if is_bridge else 0x0002)
    struct.pack_into("<I", space, 0x44, 1 << 28)
    return bytes(space)


_DOMAIN = """\
<domain type='kvm'>
  <name>{0}</name>
  <uuid>{1}</uuid>
  <devices></devices>
</domain>
"""

_DOMAIN_STATUS = """\
<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh edit {0}
or other application using the libvirt API.
-->

<domstatus state='running' reason='booted' pid='4711'>
  <domain type='kvm' id='1'>
    <name>{0}</name>
    <uuid>{1}</uuid>
    <devices></devices>
  </domain>
</domstatus>
"""
