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
) -> dict[PciAddress, bool | None]:
    """Return the ``migratable`` attribute of each VF that has one; None: its ports disagree.

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
    by_vf: dict[tuple[PciAddress, int], list[dict[str, Any]]] = {}
    for handle, port in items:
        if (vf := _vf_of(handle, port)) is not None:
            by_vf.setdefault(vf, []).append(port)
    found: dict[PciAddress, bool | None] = {}
    for (pf, number), ports in by_vf.items():
        if address := PciFunction(sysfs, pf).vf_addresses.get(number):
            found[address] = _agreed(pf, ports)
    return found


def _vf_of(handle: str, port: Any) -> tuple[PciAddress, int] | None:
    """Return the PF and the number of the VF that a port with the attribute stands for."""
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
    return pf, number


def _agreed(pf: PciAddress, ports: list[dict[str, Any]]) -> bool | None:
    """Return what the ports for one number of a VF below one PF say.

    There is more than one where a card has the ports of several PFs below one of them: ``pfnum``
    distinguishes them, which is the number of the PF's function.
    """
    own = [port for port in ports if port.get("pfnum") == pf.function] or ports
    said = {port["function"]["migratable"] == "enable" for port in own}
    return said.pop() if len(said) == 1 else None


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
