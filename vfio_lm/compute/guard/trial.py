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

"""Runs the guard's script as libvirt would, for a server that does not exist; changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from vfio_lm.compute.guard.script import TRIAL
from vfio_lm.errors import VfioLmError

_WITHOUT = f"<domain type='kvm'><name>{TRIAL}</name><devices/></domain>\n"
_ABSENT = "<address domain='0xffff' bus='0xff' slot='0x1f' function='0x7'/>"
_WITH = _WITHOUT.replace(
    "<devices/>",
    f"<devices><hostdev mode='subsystem' type='pci' managed='no'><source>{_ABSENT}</source>"
    "</hostdev></devices>",
)
_EXPECTED = "PCI device ffff:ff:1f.7 does not exist on this host"

_ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/",
}
"""What libvirt gives to a hook."""
_LONGEST_SECONDS = 20


class TrialError(VfioLmError):
    """The guard does not do what it is there for."""


def try_out(script: str, root: str = "/") -> None:
    """Run a script with a domain without devices, and with one whose device does not exist.

    :param script: its path, as the daemon sees it
    :param root: the daemon's root folder
    :raises TrialError: if it does not let the first pass, or does not refuse the second
    """
    first = _run(script, root, _WITHOUT)
    if first.returncode != 0 or first.stdout:
        raise TrialError(f"the guard does not let a server without devices pass: {_said(first)}")
    second = _run(script, root, _WITH)
    if second.returncode == 0 or _EXPECTED not in second.stderr:
        raise TrialError(f"the guard does not refuse a device that does not exist: {_said(second)}")


def _run(script: str, root: str, xml: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (script, TRIAL, "migrate", "begin", "-")
    if root != "/":
        command = ("chroot", root, *command)
    try:
        return subprocess.run(  # noqa: S603 - it is what libvirt would run
            command,
            input=xml,
            env=_ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TrialError(f"the guard does not end within {_LONGEST_SECONDS} seconds") from None
    except OSError as exc:
        raise TrialError(f"the guard cannot be run: {exc.strerror}") from None


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of what a script said, which may hold anything."""
    lines = done.stderr.strip().splitlines()
    if not lines:
        return f"it ends with exit status {done.returncode} and says nothing"
    return "".join(each if each.isprintable() else " " for each in lines[-1])[:300]
