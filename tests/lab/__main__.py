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

"""``python -m tests.lab``: builds the lab, boots it, and reports how it went."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator

from tests.lab.build import build_machine
from tests.lab.commands import LabError
from tests.lab.stages import Stages
from tests.lab.vm import AbortedError, Tally

_TOOLS = ("apt-get", "dpkg-deb", "mmdebstrap", "tar", "unshare")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab",
        description="Live migrate a VF inside a machine with real SR-IOV and VFIO; needs root.",
    )
    parser.add_argument(
        "--work", metavar="DIR", type=pathlib.Path, help="keep what is built, and the logs"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the temporary folder, with its logs"
    )
    args = parser.parse_args()
    # Whoever asks it to end wants nothing to be left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check_machine()
        with _work_folder(args) as work:
            tally = _lab(work)
    except LabError as exc:
        print(f"The lab failed: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


@contextlib.contextmanager
def _work_folder(args: argparse.Namespace) -> Iterator[pathlib.Path]:
    if args.work is not None:
        args.work.mkdir(parents=True, exist_ok=True)
        yield args.work.resolve()
        return
    work = pathlib.Path(tempfile.mkdtemp(prefix="vfio-lm-lab-"))
    try:
        yield work
    finally:
        if args.keep:
            print(f"Kept in {work}")
        else:
            shutil.rmtree(work)


def _lab(work: pathlib.Path) -> Tally:
    stages = Stages(work)
    machine = build_machine(work, stages)
    try:
        tally = machine.boot()
    except AbortedError as exc:
        # QEMU's emulation of several processors aborts, or stands still, now and then.
        print(f"{exc}\nOnce more:", flush=True)
        tally = machine.boot()
    stages.tell("all together")
    return tally


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise LabError("it installs Debian into folders and boots it: run it as root")
    if platform.machine() != "x86_64":
        raise LabError(f"it boots a PC with Debian for amd64, and this is {platform.machine()}")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise LabError(f"{', '.join(missing)} not found: apt-get install mmdebstrap util-linux")


if __name__ == "__main__":
    sys.exit(main())
