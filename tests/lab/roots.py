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

"""Two folders with a small Debian each: one to run and boot, one to build; no kernel in either."""

from __future__ import annotations

import pathlib
import shutil

from tests.lab.apt import Archive
from tests.lab.commands import run

RUN_PACKAGES = (
    "busybox-static",
    "iproute2",
    "kmod",
    "libvirt-clients",
    "libvirt-daemon-driver-qemu",
    "libvirt-daemon-system",
    "procps",
    "python3-jsonschema",
    "python3-libvirt",
    "python3-lxml",
    "python3-os-resource-classes",
    "python3-os-traits",
    "python3-oslo.config",
    "python3-oslo.utils",
    "qemu-system-x86",
)
"""Both hypervisors, the one here and the nested one, and what ``vfio-lm-host`` imports."""

_BUILD_PACKAGES = ("cpio", "e2fsprogs", "kmod", "make", "xz-utils")
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*")


def build_packages(release: str) -> tuple[str, ...]:
    """Return what is needed to build modules for a kernel, and the image."""
    return (*_BUILD_PACKAGES, f"linux-headers-{release}")


def make_root(archive: Archive, packages: tuple[str, ...], root: pathlib.Path) -> None:
    """Install packages into a new folder; what is said goes into a log beside it.

    :raises LabError: if that fails
    """
    shutil.rmtree(root, ignore_errors=True)
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    options += [f"--aptopt={line}" for line in archive.settings()]
    run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--skip=check/empty",
            "--dpkgopt=force-unsafe-io",
            '--aptopt=Acquire::Languages "none"',
            *options,
            f"--include={','.join(packages)}",
            archive.suite,
            str(root),
            archive.source,
        ],
        root.with_suffix(".log"),
    )
