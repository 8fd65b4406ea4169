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

"""The lab's machine: booted under emulation, listened to, ended; what it does is in ``inside``."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import selectors
import shutil
import subprocess
import tarfile

from tests.lab.commands import LabError, inside, output
from tests.lab.image import Image
from tests.lab.modules import KernelBuild

_PROJECT = pathlib.Path(__file__).parents[2]
_MEMORY_MIB = 2560
_LOG_BYTES = 64 * 1024 * 1024
# longer than any command of the transcript may take
_LONGEST_SILENCE = 420
_TALLY = re.compile(r"(\d+) passed, (\d+) failed")


class AbortedError(LabError):
    """The machine ended, or fell silent, before the transcript did."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """What the transcript ends with."""

    passed: int
    failed: int


class Machine:
    """A machine with an IOMMU and a network card with SR-IOV.

    :param root: the Debian whose QEMU runs it
    """

    def __init__(
        self, work: pathlib.Path, root: pathlib.Path, image: Image, kernel: KernelBuild
    ) -> None:
        self._work = work
        self._root = root
        self._image = image
        self._kernel = kernel
        self._folder = work / "machine"

    def boot(self) -> Tally:
        """Boot it, print its transcript, and return the tally that ends it.

        :raises AbortedError: if the machine ends too early, or says nothing for too long
        """
        self._prepare()
        command = inside(self._root, self._work, *self._qemu())
        with (
            (self._folder / "qemu.log").open("wb") as log,
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            ) as process,
        ):
            try:
                tally = self._listen(process)
            finally:
                process.kill()
        self._unpack_logs()
        if tally is None:
            raise AbortedError(f"QEMU ended too early:{self._last_words()}")
        return tally

    def _listen(self, process: subprocess.Popen[bytes]) -> Tally | None:
        """Print what the machine says, and end it where it says nothing any more."""
        tally = None
        if process.stdout is None:
            raise LabError("QEMU has no output")
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            rest = b""
            while selector.select(_LONGEST_SILENCE):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    process.wait()
                    return tally
                *lines, rest = (rest + chunk).split(b"\n")
                for raw in lines:
                    line = raw.decode(errors="replace").rstrip("\r")
                    if found := _TALLY.fullmatch(line):
                        tally = Tally(int(found[1]), int(found[2]))
                    else:
                        print(line, flush=True)
        raise AbortedError(
            f"the machine said nothing for {_LONGEST_SILENCE} s:{self._last_words()}"
        )

    def _prepare(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        project = self._folder / "project"
        for name in ("vfio_lm", "tests/lab"):
            shutil.copytree(
                _PROJECT / name, project / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(_PROJECT / "tests/__init__.py", project / "tests")
        compile_all = ["python3", "-m", "compileall", "-q", "/lab/machine/project"]
        output(inside(self._root, self._work, *compile_all))
        with tarfile.open(self._folder / "project.tar", "w") as archive:
            for name in ("vfio_lm", "tests"):
                archive.add(project / name, name)
        with (self._folder / "logs.tar").open("wb") as logs:
            logs.truncate(_LOG_BYTES)

    def _qemu(self) -> list[str]:
        kernel = self._kernel.image.relative_to(self._work)
        disks = (
            f"/lab/{self._image.disk.relative_to(self._work)},snapshot=on",
            "/lab/machine/project.tar,readonly=on",
            "/lab/machine/logs.tar,cache=unsafe",
        )
        parameters = "console=ttyS0 quiet loglevel=4 intel_iommu=on panic=-1 mitigations=off"
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
            "-smp", "2", "-m", str(_MEMORY_MIB),
            "-serial", "file:/lab/machine/console.log", "-serial", "stdio",
            "-kernel", f"/lab/{kernel}",
            "-initrd", f"/lab/{self._image.initial_ram_disk.relative_to(self._work)}",
            "-append", parameters,
            "-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=off",
            "-device", "pcie-root-port,id=port1,chassis=1,slot=1",
            "-device", "igb,bus=port1",
        ]  # fmt: skip
        for number, disk in enumerate(disks):
            drive = f"file={disk},if=none,id=disk{number},format=raw"
            command += ["-drive", drive, "-device", f"virtio-blk-pci,drive=disk{number}"]
        return command

    def _unpack_logs(self) -> None:
        try:
            with tarfile.open(self._folder / "logs.tar") as archive:
                archive.extractall(self._folder, filter="data")
        except tarfile.TarError:
            return

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("console.log", "qemu.log"):
            path = self._folder / name
            if path.exists():
                lines += path.read_text(errors="replace").splitlines()[-5:]
        return "\n".join(["", *(f"    {line}" for line in lines)])
