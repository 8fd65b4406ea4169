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

"""Which drivers offer a PCI device through VFIO, as the kernel itself shows; no list of our own."""

from __future__ import annotations

import functools
import re
from fnmatch import fnmatchcase

from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.migratability import PLAIN_DRIVER

_NVIDIA = "10de"
_GENERIC_MODULE = "vfio_pci"
_PREFIX = "vfio_pci:"
_BUILT_IN_VARIANT = re.compile(r"/drivers/vfio/pci/[^/]+/([^/]+)\.ko$", re.MULTILINE)
"""Where the kernel's source has its variant drivers; what all of them share is one folder above."""


def variant_aliases(sysfs: Sysfs) -> tuple[tuple[str, str], ...]:
    """Return the kind of device, as a pattern, and the module of each VFIO variant driver.

    Source: ``PCI_DRIVER_OVERRIDE_DEVICE_VFIO`` in ``linux/pci.h``: modpost gives the devices of
    such a driver an alias that begins with ``vfio_pci:``, and depmod writes it down.

    :raises NotKnownError: if the kernel's ``modules.alias`` cannot be read, or is none
    """
    names = ("lib/modules", sysfs.release, "modules.alias")
    lines = map(str.split, sysfs.text(*names).splitlines())
    aliases = [(line[1], line[2]) for line in lines if len(line) == 3 and line[0] == "alias"]
    if not aliases:
        raise NotKnownError(f"{sysfs.path(*names)} has no alias")
    return tuple(
        (pattern, module)
        for pattern, module in aliases
        # The plain driver's alias takes any device.
        if pattern.startswith(_PREFIX) and module != _GENERIC_MODULE
    )


class VfioDrivers:
    """Says for a function whether its driver is one of VFIO's."""

    def __init__(self, sysfs: Sysfs) -> None:
        self._sysfs = sysfs

    @functools.cached_property
    def _aliases(self) -> tuple[tuple[str, str], ...] | NotKnownError:
        """Read when it is first needed: the file is long, and mostly a device's node shows."""
        try:
            return variant_aliases(self._sysfs)
        except NotKnownError as exc:
            return exc

    def is_variant(self, function: PciFunction) -> bool:
        """Return whether a function is bound to a VFIO driver made for its kind of device.

        A driver that is not announced, like NVIDIA's for vGPUs, shows by what it does: the device
        has a VFIO node.

        :raises NotKnownError: if the kernel does not tell
        """
        driver = function.driver
        if driver is None or driver == PLAIN_DRIVER:
            return False
        if function.vfio_node is not None:
            return True
        if not isinstance(self._aliases, NotKnownError):
            # A module's name has underscores where a driver's may have hyphens.
            own = function.module or driver.replace("-", "_")
            return any(module == own for _, module in self._aliases)
        if self._makes_nodes:
            return False
        raise self._aliases

    def offered(self, function: PciFunction) -> str | None:
        """Return the module of the kernel's variant driver for a function; None: it has none.

        A driver that is not announced, such as NVIDIA's for vGPUs, is not found.

        :raises NotKnownError: if the kernel does not tell
        """
        if isinstance(self._aliases, NotKnownError):
            raise self._aliases
        wanted = f"vfio_{function.text('modalias')}"
        found = (module for pattern, module in self._aliases if fnmatchcase(wanted, pattern))
        return next(found, None)

    def is_available(self, function: PciFunction) -> bool:
        """Return whether the kernel has a variant driver for a function.

        :raises NotKnownError: if the kernel does not tell; it does not of drivers that are built in
        """
        if self.is_variant(function) or self.offered(function) is not None:
            return True
        if function.vendor_id == _NVIDIA:
            raise NotKnownError("NVIDIA's driver for vGPUs does not announce its devices")
        if self._built_in:
            raise NotKnownError(
                f"{', '.join(self._built_in)} is built into the kernel, which does not say for "
                f"which devices"
            )
        return False

    @functools.cached_property
    def _built_in(self) -> tuple[str, ...]:
        """The variant drivers that are part of the kernel itself, as far as it lists them."""
        names = ("lib/modules", self._sysfs.release, "modules.builtin")
        if not self._sysfs.exists(*names):
            return ()
        return tuple(_BUILT_IN_VARIANT.findall(self._sysfs.text(*names)))

    @property
    def _makes_nodes(self) -> bool:
        """Whether this kernel gives each device of VFIO a node: Linux does from 6.1 on."""
        release = re.match(r"(\d+)\.(\d+)", self._sysfs.release)
        return release is not None and (int(release[1]), int(release[2])) >= (6, 1)

    def is_vfio(self, function: PciFunction) -> bool:
        """Return whether a function is bound to any VFIO driver.

        :raises NotKnownError: if the kernel does not tell
        """
        return function.driver == PLAIN_DRIVER or self.is_variant(function)
