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

"""The machine's VFs and kernel modules: made, bound, configured; what is checked is elsewhere."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Mapping

from tests.lab.modules import OPTIONS

VARIANT = "lab_vfio_pci"
PLAIN = "vfio-pci"

_PCI = pathlib.Path("/sys/bus/pci")
_FULL_TREE = "/opt/vfio-full"
_VFIO_MODULES = (VARIANT, "vfio_pci", "vfio_pci_core", "vfio_iommu_type1", "vfio")


def create_vfs(count: int) -> list[str]:
    """Have the machine's PF make VFs without drivers, and return their addresses."""
    _modprobe("igb")
    pf = next(_PCI.glob("devices/*/sriov_totalvfs")).parent
    (pf / "sriov_drivers_autoprobe").write_text("0")
    (pf / "sriov_numvfs").write_text(str(count))
    return [(pf / f"virtfn{number}").readlink().name for number in range(count)]


def load_debian_vfio() -> None:
    """Load Debian's VFIO and the test driver."""
    _modprobe("vfio-pci")
    _modprobe(VARIANT)


def replace_vfio_by_full() -> None:
    """Load VFIO with all options instead; no device may be bound to the old one."""
    _modprobe("--remove", *_VFIO_MODULES)
    _modprobe("--dirname", _FULL_TREE, "vfio-pci")
    _modprobe("--dirname", _FULL_TREE, VARIANT)
    # As a distribution's kernel with these options would tell.
    config = pathlib.Path(f"/boot/config-{os.uname().release}")
    with config.open("a") as file:
        file.write("".join(f"{option}=y\n" for option in OPTIONS))


def driver_of(address: str) -> str | None:
    """Return the driver that a device is bound to."""
    link = _PCI / "devices" / address / "driver"
    return link.readlink().name if link.is_symlink() else None


def unbind(address: str) -> None:
    """Leave a device without driver."""
    device = _PCI / "devices" / address
    if driver_of(address) is not None:
        (device / "driver/unbind").write_text(address)
    (device / "driver_override").write_text("\n")


def bind(address: str, driver: str, parameters: Mapping[str, bool] | None = None) -> None:
    """Bind a device to a driver.

    :param parameters: of the test driver, as it is to treat this device; all others are on
    """
    unbind(address)
    if driver == VARIANT:
        for name in ("migration", "p2p", "dma_logging"):
            set_parameter(name, (parameters or {}).get(name, True))
    (_PCI / "devices" / address / "driver_override").write_text(driver)
    (_PCI / "drivers_probe").write_text(address)
    if driver_of(address) != driver:
        raise RuntimeError(f"{address} is bound to {driver_of(address)} and not to {driver}")


def set_parameter(name: str, value: bool) -> None:
    """Switch something of the test driver on or off."""
    path = pathlib.Path(f"/sys/module/{VARIANT}/parameters/{name}")
    path.write_text("Y" if value else "N")


def kernel_log() -> str:
    """Return what the kernel has said since it was asked last."""
    done = subprocess.run(["dmesg", "--read-clear"], capture_output=True, text=True, check=True)
    with open("/var/log/lab/dmesg", "a", encoding="utf-8") as file:
        file.write(done.stdout)
    return done.stdout


def _modprobe(*arguments: str) -> None:
    subprocess.run(["modprobe", *arguments], check=True)
