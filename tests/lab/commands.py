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

"""Programs that the lab runs on this machine, and in a root of its own; not what they are for."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Sequence

_LOG_LINES = 25

# Mounts and processes of a root live in namespaces of their own: they end with the program.
_ENTER = """
set -e
root=$1 work=$2
shift 2
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mkdir -p "$root/lab"
mount --bind "$work" "$root/lab"
exec chroot "$root" "$@"
"""


class LabError(Exception):
    """The lab cannot be built, booted or understood."""


def run(command: Sequence[str | os.PathLike[str]], log: pathlib.Path) -> None:
    """Run a program with its output in a file.

    :raises LabError: if it fails, with the end of its output
    """
    with log.open("wb") as output:
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status:
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        raise LabError(
            f"{os.fspath(command[0])} failed with exit status {status}; the end of {log}:\n"
            + "\n".join(f"    {line}" for line in lines)
        )


def output(command: Sequence[str | os.PathLike[str]]) -> str:
    """Run a program and return its output.

    :raises LabError: if it fails
    """
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if result.returncode:
        raise LabError(f"{command[0]}: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout.decode()


def inside(root: pathlib.Path, work: pathlib.Path, *command: str) -> list[str]:
    """Return the command that runs another one in a root, where the work folder is ``/lab``.

    It has neither network nor the machine's processes, and ends with whoever started it.
    """
    namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child=KILL"]
    enter = ["sh", "-c", _ENTER, "sh", str(root), str(work)]
    return [
        "unshare", *namespaces, f"--mount-proc={root / 'proc'}", *enter, *command
    ]  # fmt: skip
