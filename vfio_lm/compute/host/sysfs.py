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

"""Reads the kernel's files below any root; never writes, and knows no ioctl."""

from __future__ import annotations

import functools
import os

from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import AddressError, PciAddress
from vfio_lm.pci.input_file import InputFileError, read_file

PCI_DEVICES = "sys/bus/pci/devices"
"""Where the kernel has a link to each PCI function."""

# Some files of /proc make the kernel allocate as much memory as is asked for, or refuse.
_LARGEST_BYTES = 16 * 1024 * 1024


class Sysfs:
    """The files of a kernel.

    :param root: the folder that holds ``sys``, ``proc`` and ``lib/modules``: ``/`` for the running
        kernel, else a support bundle
    """

    def __init__(self, root: str | os.PathLike[str] = "/") -> None:
        self.root = os.fspath(root)
        self._real_root = os.path.realpath(self.root)

    @property
    def is_live(self) -> bool:
        """Whether these are the files of the running kernel."""
        return self._real_root == "/"

    def path(self, *parts: str) -> str:
        """Return the path of a file below the root.

        :raises NotKnownError: if links lead out of a bundle: that would be another machine's file
        """
        path = os.path.join(self.root, *parts)
        if not self.is_live:
            real = os.path.realpath(path)
            if os.path.commonpath([real, self._real_root]) != self._real_root:
                raise NotKnownError(f"{path} leads out of {self.root}")
        return path

    def text(self, *parts: str) -> str:
        """Return the text of a file, without blanks at its ends.

        :raises NotKnownError: if there is none, or it cannot be read
        """
        path = self.path(*parts)
        try:
            return read_file(path, _LARGEST_BYTES).decode(errors="replace").strip()
        except InputFileError as exc:
            raise NotKnownError(str(exc)) from None

    def names(self, *parts: str) -> list[str]:
        """Return the sorted names in a folder; none if there is no such folder.

        :raises NotKnownError: if there is one, but it cannot be read
        """
        path = self.path(*parts)
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise NotKnownError(f"{path} cannot be read: {exc.strerror}") from None

    def exists(self, *parts: str) -> bool:
        """Return whether there is such a file or folder; a link need not lead anywhere."""
        return os.path.lexists(os.path.join(self.root, *parts))

    def link(self, *parts: str) -> str | None:
        """Return the last part of where a link leads; None if there is no such link.

        :raises NotKnownError: if it is no link, as in a bundle that was made without links
        """
        path = os.path.join(self.root, *parts)
        try:
            return os.path.basename(os.readlink(path))
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise NotKnownError(f"{path} cannot be read as a link: {exc.strerror}") from None

    @functools.cached_property
    def release(self) -> str:
        """The kernel's release, as ``uname -r`` prints it.

        :raises NotKnownError: if the root does not tell
        """
        return self.text("proc/sys/kernel/osrelease")

    @property
    def is_iommu_on(self) -> bool:
        """Whether devices are in IOMMU groups, which VFIO needs.

        :raises NotKnownError: if the root does not tell
        """
        if not self.exists("sys/kernel"):
            raise NotKnownError(f"{self.root} holds no sys/kernel")
        return bool(self.names("sys/kernel/iommu_groups"))

    def is_built_with(self, option: str) -> bool:
        """Return whether the kernel has a ``CONFIG_…`` option, built in or as a module.

        :raises NotKnownError: if its configuration is in none of the places where distributions
            put it
        """
        places = (f"boot/config-{self.release}", f"lib/modules/{self.release}/config")
        place = next((each for each in places if self.exists(each)), None)
        if place is None:
            raise NotKnownError(f"/{places[0]} and /{places[1]} are absent")
        return bool({f"{option}=y", f"{option}=m"} & set(self.text(place).splitlines()))

    def addresses(self) -> list[PciAddress]:
        """Return where there are functions, in order; nova takes none beyond its limits.

        :raises VfioLmError: if the root holds no ``sys/bus/pci/devices``
        """
        if not self.exists(PCI_DEVICES):
            raise VfioLmError(
                f"{os.path.join(self.root, PCI_DEVICES)}: there is no such folder, so the host has "
                f"no PCI bus or {self.root} holds no copy of its /sys"
            )
        found = []
        for name in self.names(PCI_DEVICES):
            try:
                found.append(PciAddress.parse(name))
            except AddressError:
                # For example Intel's VMD, whose domains have more than four digits.
                continue
        return sorted(found)
