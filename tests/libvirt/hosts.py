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

"""Two hosts on one machine: a real libvirtd and real QEMU each; what they migrate is not said here.

A host is a process with namespaces of its own (network, mount, UTS and PID). It sees its own
``/etc/libvirt``, ``/run``, ``/var/lib/libvirt``, ``/var/log/libvirt``, ``/lib/modules`` and
``/sys``: the last two are a :class:`tests.sysfs_tree.SysfsTree`, for there are no VFs here. QEMU is
real but for its vfio-pci device, see :mod:`tests.libvirt.qemu`. Two hosts are joined by a pair of
virtual interfaces.

The first process of a host reads its standard input, and ends when that does. With it the kernel
ends all processes of its PID namespace, and with them go the namespaces and all that was mounted:
nothing is left, whatever becomes of the process that started the hosts.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tests.cloud.processes import tail
from tests.libvirt import qemu
from tests.sysfs_tree import SysfsTree

T = TypeVar("T")

START_SECONDS = 180.0
"""Generous: QEMU is asked for its capabilities, and all cores may be busy with other tests."""
SECONDS = 120.0
"""For anything else that is waited for."""

_PROJECT = pathlib.Path(__file__).parents[2]
_NEEDED = ("libvirtd", "qemu-system-x86_64", "ip", "unshare", "nsenter", "mount")

_UNSHARE = (
    *("unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc"),
    *("--propagation", "private"),
)
_TRIAL = """\
mount -t tmpfs tmpfs /mnt
mknod /mnt/null c 1 3
ip link add lan0 type veth peer name lan1
"""
_FOLDERS = ("etc/hooks", "run/libvirt", "run/lock", "run/bin", "lib", "log/qemu", "cache", "dev")

_LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
host_uuid = "{uuid}"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

_QEMU_CONF = """\
security_driver = "none"
user = "root"
group = "root"
cgroup_controllers = [ ]
namespaces = [ ]
remember_owner = 0
stdio_handler = "file"
migration_host = "{address}"
migration_address = "{address}"
"""

# $1 the host's folder, $2 its name. Nothing of the machine may be seen where the host has its own;
# the folders that libvirt is built with may not be there yet, where it never ran.
# qemu-system-i386 is hidden because libvirtd asks each QEMU it finds for seconds.
_BOOT = """\
set -e
hostname "$2"
cd "$1"
mkdir -p /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /lib/modules
# Debian's libvirt does not start without this user and group, which a package makes that is not
# needed here and would start libvirtd on the machine itself.
cp /etc/passwd /etc/group .
echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>passwd
echo 'libvirt-qemu:x:64055:' >>group
grep -q '^kvm:' group || echo 'kvm:x:64056:' >>group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mount --bind etc /etc/libvirt
mount --bind run /run
mount --bind lib /var/lib/libvirt
mount --bind log /var/log/libvirt
mount --bind cache /var/cache/libvirt
mount --bind tree/lib/modules /lib/modules
mount --rbind /sys/devices/system tree/sys/devices/system
mount --rbind /sys/fs/cgroup tree/sys/fs/cgroup
mount --rbind tree/sys /sys
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm dev/net dev/vfio
for node in null zero full random urandom tty; do cp -a "/dev/$node" dev/; done
mknod -m 666 dev/net/tun c 10 200
ln -s /proc/self/fd dev/fd
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount --bind tree/dev/vfio dev/vfio
mount --rbind dev /dev
test ! -e /usr/bin/qemu-system-i386 || mount --bind /dev/null /usr/bin/qemu-system-i386
touch booted
cat > /dev/null
"""


@functools.cache
def missing() -> str | None:
    """Return what this machine lacks for a host, or None."""
    if os.geteuid() != 0:
        return "root is needed to make network and mount namespaces"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for command in _NEEDED:
        if shutil.which(command, path=path) is None:
            return f"the command {command} is missing (bindep.txt names its package)"
    tried = subprocess.run(
        [*_UNSHARE, "sh", "-ec", _TRIAL],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
    )
    if tried.returncode:
        return f"namespaces, or what is in them, cannot be made here: {tried.stderr.strip()}"
    try:
        import libvirt  # noqa: F401
    except ImportError:
        return "libvirt-python is missing (test-requirements.txt names it)"
    return None


def wait_for(what: str, condition: Callable[[], T | None], limit: float = SECONDS) -> T:
    """Ask again until the answer is true; a wait is never longer than it has to be.

    :param limit: seconds
    """
    end = time.monotonic() + limit
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit:.0f} s: {what}")
        time.sleep(0.05)
    return answer


class LibvirtHost:
    """One host; :func:`pair` makes two that reach each other.

    :param folder: where its files are; short, for a socket's path has less than 108 characters
    :param address: its IP address
    """

    def __init__(self, folder: pathlib.Path, name: str, address: str, host_uuid: str) -> None:
        self.folder = folder
        self.name = name
        self.address = address
        self.tree = SysfsTree(folder / "tree", release=os.uname().release)
        self._libvirtd: subprocess.Popen[bytes] | None = None
        self._init: subprocess.Popen[bytes] | None = None
        for each in _FOLDERS:
            (folder / each).mkdir(parents=True)
        values = {"address": address, "uuid": host_uuid}
        (folder / "etc/libvirtd.conf").write_text(_LIBVIRTD_CONF.format(**values))
        (folder / "etc/qemu.conf").write_text(_QEMU_CONF.format(**values))
        qemu.write_shim(folder / "run/bin/qemu-system-x86_64")

    @property
    def uri(self) -> str:
        """How others reach its libvirtd."""
        return f"qemu+tcp://{self.address}/system"

    @property
    def pid(self) -> int:
        """The first process of the host, as the machine numbers it."""
        assert self._init is not None
        children = pathlib.Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children")
        return int(wait_for(f"{self.name} has a first process", children.read_text))

    def boot(self) -> None:
        """Make the host's namespaces; libvirtd is not started yet."""
        log = (self.folder / "boot.log").open("wb")
        with log:
            self._init = subprocess.Popen(
                [
                    *(*_UNSHARE, "sh", "-c", _BOOT),
                    *("boot", str(self.folder), self.name),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_environment(),
            )
        wait_for(f"{self.name} boots", self._has_booted)

    def start_libvirtd(self) -> None:
        """Start libvirtd; :meth:`open` waits until it answers."""
        environment = _environment()
        environment["PATH"] = f"{pathlib.Path(qemu.EMULATOR).parent}:{environment['PATH']}"
        with (self.folder / "log/libvirtd.out").open("ab") as log:
            self._libvirtd = subprocess.Popen(
                self._inside("/usr/sbin/libvirtd", "--listen"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # libudev takes only the kernel's own /sys for one, unless it is set otherwise
                env=environment | {"SYSTEMD_DEVICE_VERIFY_SYSFS": "0"},
            )

    def restart_libvirtd(self) -> None:
        """Do what ``systemctl restart libvirtd`` does; QEMU processes go on."""
        self.stop_libvirtd()
        self.start_libvirtd()
        self.detach_vfs()

    def detach_vfs(self) -> None:
        """Do what libvirt before 10.0 asks for where a VF is on a variant driver.

        It takes the VF away from its driver: not here, where no one reads what is written to sysfs.
        """
        import libvirt

        connection = self.open()
        try:
            pci = connection.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)
            for device in pci if connection.getLibVersion() < 10_000_000 else ():
                if "phys_function" in device.XMLDesc():
                    device.detachFlags("vfio")
        finally:
            connection.close()

    def stop_libvirtd(self) -> None:
        """End libvirtd in its own time."""
        if self._libvirtd is None:
            return
        # nsenter waits for libvirtd, and is not ended by a signal that is meant for it
        pid = int((self.folder / "run/libvirtd.pid").read_text())
        self.run("kill", str(pid))
        self._libvirtd.wait(SECONDS)
        self._libvirtd = None

    def open(self) -> Any:
        """Connect to libvirtd, waiting until it is ready to answer."""
        import libvirt

        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        socket = self.folder / "run/libvirt/libvirt-sock"

        def connection() -> Any:
            assert self._libvirtd is not None
            if self._libvirtd.poll() is not None:
                raise RuntimeError(f"libvirtd of {self.name} ended:\n{self.log()}")
            try:
                return libvirt.open(f"qemu+unix:///system?socket={socket}")
            except libvirt.libvirtError:
                return None

        return wait_for(f"libvirtd of {self.name} answers", connection, START_SECONDS)

    def popen(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command on the host."""
        return subprocess.Popen(
            self._inside(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment() | options.pop("env", {}),
            cwd=_PROJECT,
            **options,
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the host and wait for its end."""
        with self.popen(*command) as process:
            try:
                output, errors = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def signal(self, process: subprocess.Popen[str], signal: int) -> None:
        """Send a signal to the command of :meth:`popen`, which nsenter would not pass on."""
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        os.kill(int(wait_for("the command has started", children.read_text)), signal)

    def vfio_lm_host(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``vfio-lm-host`` on the host."""
        return self.run(*vfio_lm_host(*arguments))

    def log(self) -> str:
        """Return the ends of all logs of the host's programs."""
        paths = [self.folder / "boot.log", *sorted((self.folder / "log").rglob("*.*"))]
        return "\n".join(f"== {path.name}\n{tail(path, 40)}" for path in paths)

    def qemu_log(self, domain: str) -> pathlib.Path:
        """Return where QEMU's log of a domain is, as the machine sees it."""
        return self.folder / f"log/qemu/{domain}.log"

    def stop(self) -> None:
        """End the host with all its processes."""
        if self._init is not None and self._init.stdin is not None:
            self._init.stdin.close()
            self._init.wait(SECONDS)
        if self._libvirtd is not None:
            self._libvirtd.wait(SECONDS)

    def _has_booted(self) -> bool:
        assert self._init is not None
        if self._init.poll() is not None:
            raise RuntimeError(f"{self.name} does not boot:\n{self.log()}")
        return (self.folder / "booted").exists()

    def _inside(self, *command: str) -> Sequence[str]:
        namespaces = ("--net", "--mount", "--uts", "--pid")
        return ("nsenter", "--target", str(self.pid), *namespaces, "--", *command)


def vfio_lm_host(*arguments: str) -> Sequence[str]:
    """Return the command line of ``vfio-lm-host`` in the environment that the tests run in."""
    return (sys.executable, "-m", "vfio_lm.compute", *arguments)


@contextlib.contextmanager
def pair(prepare: Callable[[SysfsTree, SysfsTree], None]) -> Iterator[tuple[Any, Any]]:
    """Run two hosts that reach each other.

    :param prepare: puts the devices into the trees of the first and the second host
    :returns: a context manager that gives the two hosts, each with a libvirtd that answers
    """
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="lvh-", dir="/tmp"))
        )
        hosts = [
            LibvirtHost(
                folder / "a", "host-a", "10.99.0.1", "aaaaaaaa-0000-4000-8000-00000000000a"
            ),
            LibvirtHost(
                folder / "b", "host-b", "10.99.0.2", "bbbbbbbb-0000-4000-8000-00000000000b"
            ),
        ]
        prepare(hosts[0].tree, hosts[1].tree)
        for host in hosts:
            _write_uevents(host.tree)
            stack.callback(host.stop)
            host.boot()
        _join(*hosts)
        for host in hosts:
            host.start_libvirtd()
        for host in hosts:
            host.detach_vfs()
        yield hosts[0], hosts[1]


def _write_uevents(tree: SysfsTree) -> None:
    """Write what libudev wants of a PCI function, or else it does not see it."""
    for folder in (tree.root / "sys/bus/pci/devices").iterdir():
        vendor, product, class_code = (
            (folder / name).read_text().strip().removeprefix("0x").upper()
            for name in ("vendor", "device", "class")
        )
        lines = {
            "PCI_CLASS": class_code,
            "PCI_ID": f"{vendor}:{product}",
            "PCI_SLOT_NAME": folder.name,
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (folder.resolve() / "uevent").write_text(text)


def _join(first: LibvirtHost, second: LibvirtHost) -> None:
    """Join two hosts by a pair of interfaces; no name of it is seen on the machine itself."""
    peer = ("peer", "name", "lan0", "netns", str(second.pid))
    _ip("link", "add", "lan0", "netns", str(first.pid), "type", "veth", *peer)
    for host in (first, second):
        for arguments in (
            ("addr", "add", f"{host.address}/24", "dev", "lan0"),
            ("link", "set", "lan0", "up"),
            ("link", "set", "lo", "up"),
        ):
            host.run("ip", *arguments).check_returncode()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, env=_environment())


def _environment() -> dict[str, str]:
    path = os.environ.get("PATH", "")
    return os.environ | {"PATH": f"{path}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
