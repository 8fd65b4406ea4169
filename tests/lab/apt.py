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

"""Debian's archive as this machine's own apt reaches it; what is installed where is not known here.

Nothing of a machine is written down: the mirror, proxies and certificates come from apt's
configuration, and the current kernel from the archive.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import platform
import re
import subprocess

from tests.lab.commands import LabError, output

SUITE = "trixie"
"""Debian 13: the first with a libvirt that takes variant drivers (10.0) and migrates them."""

_SPECIAL_SUITES = re.compile("-(updates|security|backports)|/")
_NETWORK_SETTINGS = re.compile("Acquire::(https?::|Check-|Retries|ForceIP)")


@dataclasses.dataclass(frozen=True, slots=True)
class Kernel:
    """Debian's current kernel."""

    release: str
    """As ``uname -r`` prints it."""
    source_package: str
    """With Debian's sources of it."""


class Archive:
    """One suite, with package lists of its own.

    :param folder: for these lists
    """

    def __init__(self, folder: pathlib.Path, suite: str = SUITE) -> None:
        self.suite = suite
        self.source = f"deb {_mirror()} {suite} main"
        self._folder = folder

    def settings(self) -> list[str]:
        """Return the lines of apt's configuration that say how it reaches the archive."""
        lines = output(["apt-config", "dump"]).splitlines()
        return [line for line in lines if _NETWORK_SETTINGS.match(line) and '""' not in line]

    def update(self) -> None:
        """Get the package lists."""
        for name in ("lists/partial", "cache"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "sources.list").write_text(f"{self.source}\n")
        self._apt("apt-get", "update")

    def kernel(self) -> Kernel:
        """Return the kernel that the suite has now."""
        image = self._dependency("linux-image-amd64", "linux-image-[0-9].*")
        return Kernel(
            release=image.removeprefix("linux-image-"),
            source_package=self._dependency("linux-source", "linux-source-[0-9].*"),
        )

    def download(self, package: str, folder: pathlib.Path) -> pathlib.Path:
        """Put a package into a folder, and return its path there."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{package}_*.deb"):
            old.unlink()
        self._apt("apt-get", "download", package, cwd=folder)
        return next(folder.glob(f"{package}_*.deb"))

    def _dependency(self, package: str, pattern: str) -> str:
        for line in self._apt("apt-cache", "depends", package).splitlines():
            found = re.fullmatch(rf"\s*Depends: ({pattern})", line)
            if found:
                return found[1]
        raise LabError(f"{package} of Debian {self.suite} leads to no package {pattern}")

    def _apt(self, program: str, *arguments: str, cwd: pathlib.Path | None = None) -> str:
        options = {
            "Dir::Etc::SourceList": self._folder / "sources.list",
            "Dir::Etc::SourceParts": os.devnull,
            "Dir::State::Lists": self._folder / "lists",
            "Dir::State::status": os.devnull,
            "Dir::Cache": self._folder / "cache",
            # the user _apt may not write to the caller's folders
            "APT::Sandbox::User": "root",
        }
        command = [program, "--quiet"]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        result = subprocess.run(
            [*command, *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise LabError(f"{program} {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout


def _mirror() -> str:
    """Return where this machine gets Debian's packages from."""
    if platform.freedesktop_os_release().get("ID") != "debian":
        raise LabError("the lab takes its mirror from apt's sources: run it on a Debian machine")
    form = ["--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    targets = output(["apt-get", "indextargets", "--no-release-info", *form])
    for line in targets.splitlines():
        release, component, uri = line.split(maxsplit=2)
        if component == "main" and not _SPECIAL_SUITES.search(release):
            return uri
    raise LabError("apt's sources name no Debian archive: see sources.list(5)")
