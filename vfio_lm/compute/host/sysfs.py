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

import errno
import functools
import os
import re

from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.address import AddressError, PciAddress
from vfio_lm.pci.input_file import InputFileError, read_file

PCI_DEVICES = "sys/bus/pci/devices"
"""Where the kernel has a link to each PCI function."""

KEEP_LINKS = "with links kept, as tar and cp -a do"
"""The way out where a support bundle was made in another way."""

_IOMMU_GROUPS = "sys/kernel/iommu_groups"
_BEYOND_NOVA = re.compile("[0-9a-f]{5,}:[0-9a-f]{2}:[0-9a-f]{2}[.][0-7]")
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

        :raises NotKnownError: if it cannot be a path, or links lead out of a bundle: that would be
            another machine's file
        """
        path = os.path.join(self.root, *parts)
        if "\0" in path:
            raise NotKnownError(f"{path!r} is no path")
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
            content = read_file(path, _LARGEST_BYTES)
        except InputFileError as exc:
            raise NotKnownError(str(exc)) from None
        if b"\0" in content:
            raise NotKnownError(f"{path}: not a text file")
        return content.decode(errors="replace").strip()

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
        target = self.target(*parts)
        return None if target is None else os.path.basename(target)

    def target(self, *parts: str) -> str | None:
        """Return where a link leads, there or not; None if there is no such link.

        :raises NotKnownError: as :meth:`link` does
        """
        path = os.path.join(self.root, *parts)
        try:
            target = os.readlink(path)
        except FileNotFoundError:
            return None
        except OSError as exc:
            if exc.errno == errno.EINVAL:
                raise NotKnownError(f"{path} is no link: copy /sys {KEEP_LINKS}") from None
            raise NotKnownError(f"{path} cannot be read: {exc.strerror}") from None
        try:
            os.stat(path)
        except OSError as exc:
            # What it leads to need not be in a bundle: its name is what counts.
            if exc.errno == errno.ELOOP:
                raise NotKnownError(f"{path} is a link that leads to itself") from None
        return target

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
        if not self.is_live and not self.exists(_IOMMU_GROUPS):
            raise NotKnownError(f"{self.root} holds no {_IOMMU_GROUPS}")
        return bool(self.names(_IOMMU_GROUPS))

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

        :raises NotKnownError: if the root does not hold the links of ``sys/bus/pci/devices``
        """
        folder = os.path.join(self.root, PCI_DEVICES)
        if not self.exists(PCI_DEVICES):
            raise NotKnownError(
                f"{folder}: there is no such folder, so the host has no PCI bus or {self.root} "
                f"holds no copy of its /sys"
            )
        names = self.names(PCI_DEVICES)
        if not (names or self.is_live):
            raise NotKnownError(
                f"{folder} is empty, which it is on no host: copy /sys {KEEP_LINKS}"
            )
        found = []
        for name in names:
            try:
                found.append(PciAddress.parse(name))
            except AddressError:
                continue
        return sorted(found)

    def addresses_beyond_nova(self) -> list[str]:
        """Return the addresses of functions that are beyond nova's limits.

        The domains of Intel's VMD, for example, have more than four digits.
        """
        return [name for name in self.names(PCI_DEVICES) if _BEYOND_NOVA.fullmatch(name)]
