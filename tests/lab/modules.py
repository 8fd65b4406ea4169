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

"""The kernel and its modules for the lab: Debian's, and VFIO once more with all that it can do.

Debian builds VFIO without iommufd, without the device nodes that go with it, and without debugfs.
So the lab has two trees of modules: Debian's, and one with VFIO built from Debian's own sources
with these options on. The test driver is built for both.
"""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Iterable

from tests.lab.apt import Archive, Kernel
from tests.lab.commands import LabError, inside, output, run

DRIVER = pathlib.Path(__file__).parent / "driver"

OPTIONS = (
    "CONFIG_INTERVAL_TREE_SPAN_ITER",
    "CONFIG_IOMMUFD",
    "CONFIG_IOMMUFD_DRIVER",
    "CONFIG_VFIO_DEBUGFS",
    "CONFIG_VFIO_DEVICE_CDEV",
)
"""Of the kernel's configuration: off in Debian's VFIO, and on in the lab's."""

_DEFINES = " ".join(
    f"-D{option}{'_MODULE' if option == 'CONFIG_IOMMUFD' else ''}=1" for option in OPTIONS
)
_FULL = (
    "CONFIG_IOMMUFD=m",
    "CONFIG_VFIO_DEBUGFS=y",
    "CONFIG_VFIO_DEVICE_CDEV=y",
    f"KCFLAGS={_DEFINES}",
    # drivers for real devices, which the lab has not
    "CONFIG_VFIO_MDEV=",
    "CONFIG_PDS_VFIO_PCI=",
    "CONFIG_QAT_VFIO_PCI=",
)
"""For make."""

_INTERVAL_TREE = "lib/interval_tree.c"
_SOURCES = ("drivers/vfio", "drivers/iommu/iommufd", "drivers/iommu/iommu-priv.h", _INTERVAL_TREE)

#: what the machine needs: its disk, its PF, VFIO, and a cable between two network namespaces
_WANTED = ("virtio_blk", "ext4", "igb", "vfio_pci", "veth")


class KernelBuild:
    """Where the kernel and its modules are, and come to be.

    :param work: the folder of the lab
    :param build_root: the root with the kernel's headers; below the work folder
    """

    def __init__(self, work: pathlib.Path, build_root: pathlib.Path, kernel: Kernel) -> None:
        self._work = work
        self._build_root = build_root
        self._release = kernel.release
        self._source_package = kernel.source_package
        self._unpacked = work / "kernel"

    @property
    def image(self) -> pathlib.Path:
        """The kernel itself."""
        return self._unpacked / "boot" / f"vmlinuz-{self._release}"

    @property
    def config(self) -> pathlib.Path:
        """What Debian built the kernel with."""
        return self._unpacked / "boot" / f"config-{self._release}"

    @property
    def debian_tree(self) -> pathlib.Path:
        """A folder for ``modprobe --dirname``: Debian's modules, and the test driver."""
        return self._work / "modules-debian"

    @property
    def full_tree(self) -> pathlib.Path:
        """The same for VFIO with everything on."""
        return self._work / "modules-full"

    def fetch(self, archive: Archive) -> None:
        """Get the kernel and its sources, and unpack what is needed of them."""
        debs = self._work / "debs"
        for folder in (self._unpacked, self._work / "vfio"):
            shutil.rmtree(folder, ignore_errors=True)
        image = archive.download(f"linux-image-{self._release}", debs)
        output(["dpkg-deb", "--extract", image, self._unpacked])
        (self._unpacked / "lib").symlink_to("usr/lib")
        self._unpack_sources(archive.download(self._source_package, debs))
        shutil.rmtree(debs)

    def build(self) -> None:
        """Build VFIO and the test driver, and lay out both trees."""
        log = self._work / "modules.log"
        for name in ("driver-debian", "driver-full"):
            shutil.rmtree(self._work / name, ignore_errors=True)
            shutil.copytree(DRIVER, self._work / name)
        self._make("driver-debian", log)
        self._lay_out(self.debian_tree, ["driver-debian"])
        self._make("vfio", log, *_FULL)
        self._make("driver-full", log, *_FULL, "KBUILD_EXTRA_SYMBOLS=/lab/vfio/Module.symvers")
        self._lay_out(self.full_tree, ["vfio", "driver-full"])

    def load_order(self, modules: Iterable[str]) -> list[pathlib.Path]:
        """Return the files of Debian's modules that ``insmod`` takes in this order."""
        self._depmod(self._unpacked)
        shown = self._in_build_root(
            "modprobe", "--dirname=/lab/kernel", f"--set-version={self._release}",
            "--show-depends", "--all", *modules,
        )  # fmt: skip
        found = [line.split()[1] for line in shown.splitlines() if line.startswith("insmod")]
        return [self._work / path.removeprefix("/lab/") for path in dict.fromkeys(found)]

    def _unpack_sources(self, package: pathlib.Path) -> None:
        folder = self._work / "sources"
        shutil.rmtree(folder, ignore_errors=True)
        output(["dpkg-deb", "--extract", package, folder])
        name = self._source_package
        wanted = [f"{name}/{path}" for path in _SOURCES]
        output(["tar", "-xf", folder / f"usr/src/{name}.tar.xz", "-C", folder, *wanted])
        self._arrange_sources(folder / name)
        shutil.rmtree(folder)

    def _arrange_sources(self, tree: pathlib.Path) -> None:
        """Make one folder of modules out of the parts of a kernel tree."""
        vfio = self._work / "vfio"
        vfio.mkdir()
        shutil.move(tree / "drivers/vfio", vfio / "vfio")
        shutil.move(tree / "drivers/iommu/iommufd", vfio / "iommufd")
        shutil.move(tree / "drivers/iommu/iommu-priv.h", vfio)
        (vfio / "Kbuild").write_text("obj-m := iommufd/ vfio/\n")
        # Both parts are the kernel's own where it is configured so, and exported to modules.
        (vfio / "iommufd/span_iter.c").write_text(_span_iterator(tree / _INTERVAL_TREE))
        with (vfio / "iommufd/Makefile").open("a") as makefile:
            makefile.write("iommufd-y += iova_bitmap.o span_iter.o\n")

    def _make(self, folder: str, log: pathlib.Path, *variables: str) -> None:
        headers = f"/usr/src/linux-headers-{self._release}"
        jobs = f"--jobs={os.cpu_count() or 1}"
        command = ["make", jobs, "-C", headers, f"M=/lab/{folder}", *variables, "modules"]
        run(inside(self._build_root, self._work, *command), log)

    def _lay_out(self, tree: pathlib.Path, built: Iterable[str]) -> None:
        shutil.rmtree(tree, ignore_errors=True)
        modules = tree / "lib/modules" / self._release
        modules.mkdir(parents=True)
        source = self._unpacked / "lib/modules" / self._release
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            shutil.copy(source / name, modules)
        for file in self.load_order(_WANTED):
            target = modules / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        # depmod takes what is in updates before what is in kernel.
        (modules / "updates").mkdir()
        for file in (each for name in built for each in (self._work / name).rglob("*.ko")):
            shutil.copy(file, modules / "updates")
        inner = f"/lab/{modules.relative_to(self._work)}/updates"
        self._in_build_root("sh", "-c", f"strip --strip-debug {inner}/*.ko")
        self._depmod(tree)

    def _depmod(self, tree: pathlib.Path) -> None:
        self._in_build_root("depmod", "-b", f"/lab/{tree.name}", self._release)

    def _in_build_root(self, *command: str) -> str:
        return output(inside(self._build_root, self._work, *command))


def _span_iterator(interval_tree: pathlib.Path) -> str:
    """Return the part of a source file that Debian's kernel leaves out."""
    lines = interval_tree.read_text().splitlines()
    try:
        begin = lines.index("#ifdef CONFIG_INTERVAL_TREE_SPAN_ITER")
    except ValueError:
        raise LabError(f"{interval_tree.name} of this kernel has no span iterator") from None
    includes = [line for line in lines if line.startswith("#include")]
    return "\n".join([*includes, *lines[begin:], ""])
