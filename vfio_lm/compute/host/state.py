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

"""What a host's kernel, libvirt, QEMU and nova.conf say that matters to every device alike."""

from __future__ import annotations

import dataclasses
import re
import socket
import subprocess
from collections.abc import Callable, Sequence

from vfio_lm.compute.host.findings import NotKnownError
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.pci.nova_conf import NovaConf

# nova/conf/libvirt.py (nova 34.0.0): what an option means that the host's nova.conf leaves out.
_PERMITS_POST_COPY = False
_DOWNTIME_MS = 500

_VIRSH = ("virsh", "--readonly", "--connect", "qemu:///system", "version", "--daemon")
_LONGEST_SECONDS = 20
_LIBVIRT = re.compile(r"^Running against daemon: (\S+)", re.MULTILINE)
_QEMU = re.compile(r"^Running hypervisor: QEMU (\S+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class HypervisorVersions:
    """Of the libvirt and the QEMU that the host would run a server with now."""

    libvirt: str
    qemu: str


def is_iommu_on(sysfs: Sysfs) -> bool:
    """Return whether devices are in IOMMU groups, which VFIO needs.

    :raises NotKnownError: if the root does not tell
    """
    if not sysfs.exists("sys/kernel"):
        raise NotKnownError(f"{sysfs.root} holds no sys/kernel")
    return bool(sysfs.names("sys/kernel/iommu_groups"))


def hypervisor_versions(
    sysfs: Sysfs, run_virsh: Callable[[], str] | None = None
) -> HypervisorVersions:
    """Ask the running libvirt, through ``virsh`` and for at most twenty seconds.

    :param run_virsh: returns what ``virsh version --daemon`` prints in English
    :raises NotKnownError: if libvirt does not answer
    """
    if not sysfs.is_live and run_virsh is None:
        raise NotKnownError("a support bundle does not tell the versions of libvirt and QEMU")
    text = (run_virsh or _run_virsh)()
    libvirt, qemu = _LIBVIRT.search(text), _QEMU.search(text)
    if libvirt is None or qemu is None:
        raise NotKnownError(f"virsh version --daemon did not tell: {text.strip()[:200]!r}")
    return HypervisorVersions(libvirt[1], qemu[1])


def permits_post_copy(conf: NovaConf | None) -> bool:
    """Return ``[libvirt]live_migration_permit_post_copy`` of a compute host's own nova.conf.

    :raises NotKnownError: if there is none
    """
    value = _read(conf).permit_post_copy
    return _PERMITS_POST_COPY if value is None else value


def downtime_ms(conf: NovaConf | None) -> int:
    """Return ``[libvirt]live_migration_downtime`` of a compute host's own nova.conf.

    :raises NotKnownError: if there is none
    """
    value = _read(conf).downtime_ms
    return _DOWNTIME_MS if value is None else value


def host_name(sysfs: Sysfs, conf: NovaConf | None) -> str:
    """Return the name by which nova knows the host, unless it has been told another.

    Source: ``nova/conf/netconf.py`` (nova 34.0.0): ``[DEFAULT]host``, else what the host calls
    itself.

    :raises NotKnownError: if neither is known
    """
    if conf is not None and conf.host is not None:
        return conf.host
    name = socket.gethostname() if sysfs.is_live else _bundle_host_name(sysfs)
    if not name:
        raise NotKnownError("the host has no name: give it with --host")
    return name


def _bundle_host_name(sysfs: Sysfs) -> str:
    try:
        return sysfs.text("proc/sys/kernel/hostname")
    except NotKnownError as exc:
        raise NotKnownError(f"{exc}: give the host's name with --host") from None


def _read(conf: NovaConf | None) -> NovaConf:
    if conf is None:
        raise NotKnownError("no nova.conf can be read: name the compute host's with --nova-conf")
    return conf


def _run_virsh(command: Sequence[str] = _VIRSH) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
    except FileNotFoundError:
        raise NotKnownError("virsh (libvirt-clients) is not installed") from None
    except subprocess.TimeoutExpired:
        raise NotKnownError(f"libvirt did not answer within {_LONGEST_SECONDS} seconds") from None
    except OSError as exc:
        raise NotKnownError(f"virsh: {exc.strerror}") from None
    if done.returncode != 0:
        # The line that says what failed comes last.
        lines = done.stderr.strip().splitlines() or ["virsh failed"]
        raise NotKnownError(f"libvirt does not answer: {lines[-1].removeprefix('error: ')}")
    return done.stdout
