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

"""How long libvirt waits for the guard when a live migration arrives, beside a bare python.

The script is the one that is installed, called as libvirt calls it; only the host's files are those
of a made-up host. All are measured in turn, so that other work of the machine falls upon each.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence

from tests import sysfs_tree
from tests.unit.compute import domains
from tests.unit.compute.guard.test_script import render_for
from vfio_lm.compute.guard.installation import own_python
from vfio_lm.compute.guard.spool_folder import SpoolFolder

ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "HOME": "/"}
"""All that libvirt gives a hook."""
OTHER_UUID = "2c9a4a0e-6d5f-4d0b-8d5e-3b1f0c7a9e42"


@dataclasses.dataclass(frozen=True)
class Case:
    """A process, and the milliseconds that it took each time."""

    name: str
    command: Sequence[str | pathlib.Path]
    xml: str = ""
    wall: list[float] = dataclasses.field(default_factory=list)
    cpu: list[float] = dataclasses.field(default_factory=list)

    def measure(self) -> None:
        """Run it once; it has to end well, and silently."""
        before, start = _children_seconds(), time.perf_counter()
        done = subprocess.run(
            self.command,
            input=self.xml,
            env=ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        self.wall.append((time.perf_counter() - start) * 1000)
        self.cpu.append((_children_seconds() - before) * 1000)
        assert (done.returncode, done.stderr) == (0, ""), done

    def __str__(self) -> str:
        return (
            f"  {self.name:44}{statistics.median(self.wall):8.0f}{min(self.wall):8.0f}"
            f"{max(self.wall):8.0f}{statistics.median(self.cpu):8.0f}"
        )


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def install(folder: pathlib.Path, root: pathlib.Path) -> pathlib.Path:
    """Install the script, with the files of the host below a root."""
    path = folder / "vfio-lm"
    path.parent.mkdir()
    path.write_text(render_for(root, own_python()))
    path.chmod(0o755)
    return path


def make_host(root: pathlib.Path, servers: int, devices: int) -> list[str]:
    """Make a host with servers that each have a VF, and with free VFs; return these."""
    tree = sysfs_tree.SysfsTree(root)
    tree.add_libvirt()
    free = sysfs_tree.mlx5(tree, "0000:81:00.0", vfs=devices)
    for number in range(servers):
        (used,) = sysfs_tree.mlx5(tree, f"{number + 1:04x}:01:00.0", vfs=1)
        tree.hold(used, f"instance-{number:08x}", str(uuid.UUID(int=number + 1)))
    return free


def measure(folder: pathlib.Path, servers: int, devices: int, repeat: int) -> None:
    """Make a host, and print the numbers."""
    free = make_host(folder / "host", servers, devices)
    script = install(folder / "hooks", folder / "host")
    sources = [f"0000:41:00.{number}" for number in range(devices)]
    begin = (script, "guest", "migrate", "begin", "-")
    plain = domains.domain(*free).xml()
    mapped = domains.domain(*sources).xml().replace(domains.UUID, OTHER_UUID)
    spool = SpoolFolder(str(folder / "host"), os.getuid())
    spool.write(OTHER_UUID, dict(zip(sources, free, strict=True)), {})
    cases = (
        Case("python -S -c pass", (sys.executable, "-S", "-c", "pass")),
        Case("python -I -c pass", (sys.executable, "-I", "-c", "pass")),
        Case("hook: another operation", (script, "guest", "release", "end", "-")),
        Case("hook: no device", begin, "<domain><name>guest</name><devices/></domain>"),
        Case(f"hook: {devices} devices", begin, plain),
        Case(f"hook: {devices} devices by a map", begin, mapped),
    )
    for _ in range(repeat):
        for case in cases:
            case.measure()
    print(f"{servers} servers on the host; milliseconds of {repeat} runs each")
    print(f"  {'':44}{'wall':>8}{'least':>8}{'most':>8}{'CPU':>8}")
    for case in cases:
        print(case)


def main(arguments: Sequence[str]) -> None:
    """Measure the guard."""
    parser = argparse.ArgumentParser(
        prog="hook", description="Measure the guard of live migrations."
    )
    parser.add_argument("--servers", type=int, default=50, help="that run on the host")
    parser.add_argument("--devices", type=int, default=4, help="of the server that arrives")
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measure(pathlib.Path(folder), options.servers, options.devices, options.repeat)
