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

"""Which VFs devlink lets migrate, read from what the ``devlink`` tool prints; it sets nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.address import AddressError, PciAddress

_COMMAND = ("devlink", "-j", "port", "show")
_LONGEST_SECONDS = 20


def migratable_vfs(
    sysfs: Sysfs, show_ports: Callable[[], str] | None = None
) -> dict[PciAddress, bool]:
    """Return the ``migratable`` attribute of each VF that has one.

    Source: ``Documentation/networking/devlink/devlink-port.rst``: the attribute belongs to the
    port that represents a VF on its PF, so there is none while the PF is not in switchdev mode.

    :param show_ports: returns the JSON that the tool prints
    :raises NotKnownError: if the tool is absent, fails, or prints something else
    """
    if not sysfs.is_live and show_ports is None:
        raise NotKnownError("a support bundle does not tell what devlink says")
    text = (show_ports or _show_ports)()
    try:
        ports = json.loads(text)["port"]
        items = list(ports.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotKnownError(f"{' '.join(_COMMAND)} printed no ports: {text[:80]!r}") from None
    found = {}
    for handle, port in items:
        if (vf := _vf_of(sysfs, handle, port)) is not None:
            found[vf] = port["function"]["migratable"] == "enable"
    return found


def _vf_of(sysfs: Sysfs, handle: str, port: Any) -> PciAddress | None:
    """Return the VF of this host that a port with the attribute stands for."""
    if not isinstance(port, dict) or port.get("flavour") != "pcivf" or port.get("external"):
        return None
    function = port.get("function")
    number = port.get("vfnum")
    if not isinstance(function, dict) or function.get("migratable") not in ("enable", "disable"):
        return None
    bus, _, rest = handle.partition("/")
    try:
        pf = PciAddress.parse(rest.partition("/")[0])
    except AddressError:
        return None
    if bus != "pci" or not isinstance(number, int):
        return None
    return PciFunction.at(sysfs, pf).vf_addresses.get(number)


def _show_ports() -> str:
    try:
        done = subprocess.run(  # noqa: S603
            _COMMAND, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False
        )
    except FileNotFoundError:
        raise NotKnownError("the devlink tool of iproute2 is not installed") from None
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotKnownError(f"{' '.join(_COMMAND)}: {exc}") from None
    if done.returncode != 0:
        raise NotKnownError(f"{' '.join(_COMMAND)}: {done.stderr.strip() or 'failed'}")
    return done.stdout
