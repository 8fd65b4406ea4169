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

"""The disk of the lab's machine, and what mounts it; the machine itself is in ``vm``."""

from __future__ import annotations

import lzma
import pathlib
import shutil

from tests.lab.commands import inside, run
from tests.lab.modules import KernelBuild

GUEST = pathlib.Path(__file__).parent / "guest"
"""What the machine runs: first in the initial RAM disk, then on its own disk."""

_SPARE_BYTES = 300 * 1024 * 1024


class Image:
    """The files that QEMU boots, below the work folder.

    :param root: the Debian that becomes the disk
    :param build_root: the Debian that has the tools
    """

    def __init__(self, work: pathlib.Path, root: pathlib.Path, build_root: pathlib.Path) -> None:
        self._work = work
        self._root = root
        self._build_root = build_root
        self._folder = work / "image"

    @property
    def disk(self) -> pathlib.Path:
        """An ext4 file system."""
        return self._folder / "disk.ext4"

    @property
    def initial_ram_disk(self) -> pathlib.Path:
        """It only loads the disk's driver, and mounts the disk."""
        return self._folder / "initrd.gz"

    def make(self, kernel: KernelBuild) -> None:
        """Make both files again."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        self._fill_root(kernel)
        self._make_disk()
        self._make_initial_ram_disk(kernel)

    def _fill_root(self, kernel: KernelBuild) -> None:
        modules = self._root / "usr/lib/modules"
        shutil.rmtree(modules, ignore_errors=True)
        shutil.copytree(kernel.debian_tree / "lib/modules", modules)
        full = self._root / "opt/vfio-full"
        shutil.rmtree(full, ignore_errors=True)
        shutil.copytree(kernel.full_tree, full)
        for old in (self._root / "boot").glob("config-*"):
            old.unlink()
        shutil.copy(kernel.config, self._root / "boot")
        _install(GUEST / "init", self._root / "lab-init")

    def _make_disk(self) -> None:
        used = sum(
            file.lstat().st_size + 4096 for file in self._root.rglob("*") if not file.is_dir()
        )
        with self.disk.open("wb") as disk:
            disk.truncate((used + _SPARE_BYTES) // 4096 * 4096)
        root, disk_inside = (
            f"/lab/{path.relative_to(self._work)}" for path in (self._root, self.disk)
        )
        command = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, disk_inside]
        run(inside(self._build_root, self._work, *command), self._folder / "mke2fs.log")

    def _make_initial_ram_disk(self, kernel: KernelBuild) -> None:
        tree = self._folder / "initrd"
        for name in ("bin", "dev", "modules", "proc", "root", "sys"):
            (tree / name).mkdir(parents=True)
        shutil.copy(self._root / "bin/busybox", tree / "bin")
        _install(GUEST / "initrd-init", tree / "init")
        order = []
        for file in kernel.load_order(["virtio_blk", "ext4"]):
            content = file.read_bytes()
            name = file.name.removesuffix(".xz")
            # busybox unpacks no modules
            is_packed = name != file.name
            (tree / "modules" / name).write_bytes(
                lzma.decompress(content) if is_packed else content
            )
            order.append(name)
        (tree / "modules/order").write_text("\n".join(order))
        pack = "cd /lab/image/initrd && find . | cpio -o -H newc --quiet | gzip -1 > ../initrd.gz"
        run(inside(self._build_root, self._work, "sh", "-ec", pack), self._folder / "cpio.log")


def _install(source: pathlib.Path, target: pathlib.Path) -> None:
    shutil.copy(source, target)
    target.chmod(0o755)
