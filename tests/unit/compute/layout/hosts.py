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

"""Trees of compute hosts, one for each way to deploy OpenStack, as its own tools make them.

A tree has one server that is shut off and one that runs, QEMU's logs and nova-compute's options. A
container has its root folder below ``CONTAINER``, and shares with the host what is mounted there.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping

OFF_UUID = "5b6e5350-0000-4000-8000-00000000000f"
RUNNING_UUID = "5b6e5350-0000-4000-8000-000000000001"

_SNAP = "var/snap/openstack-hypervisor/common"
_POD = "var/lib/kubelet/pods/6a1d7c0e-1111-4222-8333-444455556666/volumes"


@dataclasses.dataclass(frozen=True)
class Deployed:
    """Where a way to deploy puts the files, relative to the root of the host."""

    definitions: str = "etc/libvirt/qemu"
    status: str = "run/libvirt/qemu"
    logs: str = "var/log/libvirt/qemu"
    nova_conf: str = "etc/nova/nova.conf"
    mounts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What libvirt's container has of the host: its own path by that of the host."""
    compute_root: str = ""
    """The root folder of nova-compute."""
    compute_arguments: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """More folders that its tools make."""


CONTAINER = "run/containers/libvirt"
_COMPUTE = "run/containers/nova_compute"


def _kolla(volumes: str) -> Deployed:
    return Deployed(
        definitions=f"{volumes}/nova_libvirt_qemu/_data",
        logs=f"{CONTAINER}/var/log/libvirt/qemu",
        nova_conf="etc/kolla/nova-compute/nova.conf",
        mounts={
            f"{volumes}/nova_libvirt_qemu/_data": "etc/libvirt/qemu",
            "run/libvirt": "run/libvirt",
        },
        others=("etc/kolla/nova-libvirt",),
    )


DEPLOYED: Mapping[str, Deployed] = {
    "distribution": Deployed(),
    "devstack": Deployed(
        nova_conf="etc/nova/nova-cpu.conf",
        compute_arguments=("--config-file", "/etc/nova/nova-cpu.conf"),
    ),
    "openstack-ansible": Deployed(others=("openstack/venvs/nova-31.1.0/bin",)),
    "kolla-docker": _kolla("var/lib/docker/volumes"),
    "kolla-podman": _kolla("var/lib/containers/storage/volumes"),
    "kolla-host-libvirt": Deployed(nova_conf="etc/kolla/nova-compute/nova.conf"),
    "edpm": Deployed(nova_conf="var/lib/openstack/nova/01-nova.conf"),
    "openstack-helm": Deployed(
        nova_conf=f"{_COMPUTE}/etc/nova/nova.conf",
        mounts={
            "etc/libvirt/qemu": "etc/libvirt/qemu",
            "run/libvirt": "run/libvirt",
            "var/log/libvirt": "var/log/libvirt",
        },
        compute_root=_COMPUTE,
        compute_arguments=(
            *("--config-file", "/etc/nova/nova.conf"),
            *("--config-file", "/tmp/pod-shared/nova-hypervisor.conf"),
            *("--config-dir", "/etc/nova/nova.conf.d"),
        ),
        others=(f"{_POD}/kubernetes.io~configmap/libvirt-bin",),
    ),
    "sunbeam": Deployed(
        definitions=f"{_SNAP}/etc/libvirt/qemu",
        status=f"{_SNAP}/run/libvirt/qemu",
        logs=f"{_SNAP}/log/libvirt/qemu",
        nova_conf=f"{_SNAP}/etc/nova/nova.conf",
        others=(f"{_SNAP}/etc/nova/nova.conf.d",),
    ),
}


def build(root: pathlib.Path, name: str, devices: tuple[str, str]) -> Deployed:
    """Write the files of a host.

    :param devices: PCI addresses of the server that is shut off and of the one that runs
    """
    deployed = DEPLOYED[name]
    for own, inside in deployed.mounts.items():
        (root / own).mkdir(parents=True, exist_ok=True)
        link = root / CONTAINER / inside
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(root / own)
    for folder in deployed.others:
        (root / folder).mkdir(parents=True, exist_ok=True)
    off = _domain("instance-00000010", OFF_UUID, devices[0])
    running = _domain("instance-00000001", RUNNING_UUID, devices[1])
    _write(root / deployed.definitions / "instance-00000010.xml", off)
    _write(root / deployed.status / "instance-00000001.xml", f"<domstatus>{running}</domstatus>")
    _write(root / deployed.logs / "instance-00000001.log", "")
    _write(root / deployed.nova_conf, f"[DEFAULT]\nhost = {name}\n")
    if deployed.compute_root:
        more = root / deployed.compute_root / "tmp/pod-shared/nova-hypervisor.conf"
        _write(more, "[libvirt]\nlive_migration_permit_post_copy = true\n")
    return deployed


def _write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _domain(name: str, uuid: str, address: str) -> str:
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return (
        f"<domain><name>{name}</name><uuid>{uuid}</uuid><devices>"
        f"<hostdev mode='subsystem' type='pci'><source><address domain='0x{domain}' "
        f"bus='0x{bus}' slot='0x{slot}' function='0x{function}'/></source></hostdev>"
        f"</devices></domain>"
    )


class Processes:
    """A /proc with libvirt's daemon and nova-compute.

    :param root: of the host
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.proc = root / "proc"
        self._root = root
        self._add(1, "systemd", root, mounts=1)
        (self.proc / "self").symlink_to("1")

    def start(self, name: str) -> None:
        """Start what a way to deploy starts."""
        deployed = DEPLOYED[name]
        in_container = bool(deployed.mounts)
        folder = self._root / CONTAINER if in_container else self._root
        self._add(7, "libvirtd", folder, mounts=2)
        program = "/snap/openstack-hypervisor/7/usr/sbin/libvirtd" if name == "sunbeam" else "/x"
        (self.proc / "7/exe").symlink_to(program)

    def start_nova_compute(self, root: pathlib.Path, *arguments: str, pid: int = 9) -> None:
        """Start a nova-compute that has a root folder of its own."""
        command = ("/usr/bin/python3", "/usr/bin/nova-compute", *arguments)
        self._add(pid, "nova-compute", root, 3, command)

    def _add(
        self, pid: int, name: str, root: pathlib.Path, mounts: int, command: tuple[str, ...] = ()
    ) -> None:
        folder = self.proc / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "ns/mnt").symlink_to(f"mnt:[{mounts}]")
        _write(folder / "comm", f"{name}\n")
        (folder / "cmdline").write_bytes(os.fsencode("\0".join(command or (name,)) + "\0"))
        (folder / "root").symlink_to(root)
        (folder / "cwd").symlink_to("/")
