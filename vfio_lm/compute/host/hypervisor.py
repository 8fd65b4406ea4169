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

"""Which libvirt and QEMU a host runs its servers with, as the running libvirt answers."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Callable

from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError

_VIRSH = ("virsh", "--readonly", "--connect", "qemu:///system")
_LONGEST_SECONDS = 20
_LIBVIRT = re.compile(r"^Running against daemon: (\S+)", re.MULTILINE)
_QEMU = re.compile(r"^Running hypervisor: QEMU (\S+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class HypervisorVersions:
    """Of the libvirt and the QEMU that the host would run a server with now."""

    libvirt: str
    qemu: str


def hypervisor_versions(
    sysfs: Sysfs, show_versions: Callable[[], str] | None = None
) -> HypervisorVersions:
    """Ask the running libvirt, through ``virsh`` and for at most twenty seconds.

    :param show_versions: returns what ``virsh version --daemon`` prints in English
    :raises NotKnownError: if libvirt does not answer
    """
    if not sysfs.is_live and show_versions is None:
        raise NotKnownError("a support bundle does not tell the versions of libvirt and QEMU")
    text = show_versions() if show_versions else run_virsh("version", "--daemon")
    libvirt, qemu = _LIBVIRT.search(text), _QEMU.search(text)
    if libvirt is None or qemu is None:
        raise NotKnownError(f"virsh version --daemon did not tell: {text.strip()[:200]!r}")
    return HypervisorVersions(libvirt[1], qemu[1])


def run_virsh(*arguments: str) -> str:
    """Return what virsh prints in English, which may only read.

    :raises NotKnownError: if it is not installed, or libvirt does not answer
    """
    try:
        done = subprocess.run(  # noqa: S603
            (*_VIRSH, *arguments),
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
