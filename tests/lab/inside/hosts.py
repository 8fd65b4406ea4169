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

"""Two hosts in one machine: namespaces with a libvirtd each, and a cable between them.

They share the kernel, and so the devices. What each has of its own are network, name, and the
folders that libvirt and ``vfio-lm-host`` keep their files in.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Sequence
from xml.etree import ElementTree

from tests.lab.inside.transcript import Answer, Transcript

_FOLDER = pathlib.Path("/hosts")
_START_SECONDS = 60
_OWN = {
    "etc": "/etc/libvirt",
    "run": "/run",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
    "vfio-lm": "/var/lib/vfio-lm",
}
_SCRIPT = """
set -e
name=$1 folder=$2
shift 2
hostname "$name"
while [ $# -gt 0 ]; do
    mount --bind "$folder/$1" "$2"
    shift 2
done
echo ready
read -r go
exec libvirtd --listen
"""
_LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = 1
listen_addr = "{ip}"
auth_tcp = "none"
auth_unix_rw = "none"
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
_QEMU_CONF = """\
security_driver = "none"
user = "root"
group = "root"
cgroup_controllers = [ ]
namespaces = [ ]
remember_owner = 0
stdio_handler = "file"
migration_address = "{ip}"
"""


@dataclasses.dataclass(slots=True)
class Host:
    """One of the hosts."""

    name: str
    ip: str
    process: subprocess.Popen[str]
    transcript: Transcript

    @property
    def enter(self) -> Sequence[str]:
        """The command that runs another one on this host."""
        return ["nsenter", f"--target={self.process.pid}", "--mount", "--net", "--uts", "--"]

    @property
    def uri(self) -> str:
        """Of its libvirtd, for the other host."""
        return f"qemu+tcp://{self.name}/system"

    def type(self, command: str) -> Answer:
        """Run a command, and show it."""
        return self.transcript.type(self.name, command, self.enter)

    def ask(self, *command: str) -> str:
        """Run a command without showing it, and return its output; empty if it fails."""
        done = subprocess.run([*self.enter, *command], capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout

    def write(self, path: str, text: str) -> None:
        """Write a file of one of its own folders."""
        inner = pathlib.Path(path)
        own = next(name for name, mount in _OWN.items() if inner.is_relative_to(mount))
        file = _FOLDER / self.name / own / inner.relative_to(_OWN[own])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def state(self, domain: str) -> str:
        """Return whether a domain runs, and why, as virsh puts it; empty if it is not there."""
        return self.ask("virsh", "domstate", "--reason", domain).strip()

    def devices(self, domain: str, *options: str) -> list[str]:
        """Return the addresses of a domain's devices, in the order of its XML."""
        xml = self.ask("virsh", "dumpxml", *options, domain)
        if not xml:
            return []
        found = ElementTree.fromstring(xml).findall("devices/hostdev/source/address")
        return [
            "{:04x}:{:02x}:{:02x}.{:x}".format(
                *(int(each.get(part, "0"), 0) for part in ("domain", "bus", "slot", "function"))
            )
            for each in found
        ]


def start_hosts(transcript: Transcript) -> tuple[Host, Host]:
    """Make two hosts, with libvirtd waiting to be started."""
    subprocess.run(["modprobe", "veth"], check=True)
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("10.99.0.1 compute1\n10.99.0.2 compute2\n")
    first, second = (_make(number, transcript) for number in (1, 2))
    cable = ["link", "add", "cable1", "type", "veth", "peer", "name", "cable2"]
    subprocess.run(["ip", *cable], check=True)
    for number, host in ((1, first), (2, second)):
        _plug(host, f"cable{number}")
    return first, second


def start_libvirt(host: Host) -> None:
    """Start the host's libvirtd, and wait until it answers."""
    if host.process.stdin is None:
        raise RuntimeError(f"{host.name} cannot be started")
    host.process.stdin.write("go\n")
    host.process.stdin.flush()
    deadline = time.monotonic() + _START_SECONDS
    while not host.ask("virsh", "version"):
        if time.monotonic() > deadline or host.process.poll() is not None:
            raise RuntimeError(f"the libvirtd of {host.name} does not answer")
        time.sleep(0.2)


def stop(host: Host) -> None:
    """End the host's guests and its libvirtd."""
    for name in host.ask("virsh", "list", "--name").split():
        host.ask("virsh", "destroy", name)
    host.process.send_signal(signal.SIGTERM)
    host.process.wait(_START_SECONDS)


def _make(number: int, transcript: Transcript) -> Host:
    name = f"compute{number}"
    ip = f"10.99.0.{number}"
    folder = _FOLDER / name
    for own, mount in _OWN.items():
        (folder / own).mkdir(parents=True)
        os.makedirs(mount, exist_ok=True)
    (folder / "etc/hooks").mkdir()
    (folder / "log/qemu").mkdir()
    uuid = f"00000000-0000-4000-8000-00000000000{number}"
    (folder / "etc/libvirtd.conf").write_text(_LIBVIRTD_CONF.format(ip=ip, uuid=uuid))
    (folder / "etc/qemu.conf").write_text(_QEMU_CONF.format(ip=ip))
    mounts = [part for pair in _OWN.items() for part in pair]
    with open(folder / "log/stderr", "wb") as errors:
        process = subprocess.Popen(
            [
                "unshare", "--net", "--mount", "--uts", "--propagation=private",
                "sh", "-c", _SCRIPT, "sh", name, str(folder), *mounts,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )  # fmt: skip
    if process.stdout is None or process.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{name}: {(folder / 'log/stderr').read_text()}")
    return Host(name, ip, process, transcript)


def _plug(host: Host, end: str) -> None:
    subprocess.run(["ip", "link", "set", end, "netns", str(host.process.pid)], check=True)
    for command in (
        f"ip address add {host.ip}/24 dev {end}",
        f"ip link set {end} up",
        "ip link set lo up",
    ):
        subprocess.run([*host.enter, *command.split()], check=True)
