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

"""How long Python starts with the file in site-packages that can turn corrections of nova on.

With and without it in turn, in one run, so that other work of the machine falls upon both.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence

from tests.packaging import site_cases


def main(arguments: Sequence[str] = ()) -> None:
    """Print the median of each, and of the ratios of each pair."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench python_start")
    parser.add_argument("--starts", type=int, default=100, help="pairs of starts (default: 100)")
    starts = parser.parse_args(arguments).starts
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        python = site_cases.install(site_cases.wheel(), folder / "venv")
        (pth,) = folder.glob(f"venv/lib/python3*/site-packages/{site_cases.PTH}")
        pairs = [(_start(python), _without(pth, python)) for _ in range(starts)]
    for what, each in zip(("with it", "without"), zip(*pairs, strict=True), strict=True):
        print(
            f"  {what:10}{statistics.median(each) * 1000:8.2f} ms, least {min(each) * 1000:.2f} ms"
        )
    print(f"  ratio     {statistics.median(ours / bare for ours, bare in pairs):8.3f}")


def _without(pth: pathlib.Path, python: pathlib.Path) -> float:
    away = pth.with_suffix(".away")
    pth.rename(away)
    try:
        return _start(python)
    finally:
        away.rename(pth)


def _start(python: pathlib.Path) -> float:
    environment = {"PATH": os.defpath}
    begun = time.perf_counter()
    subprocess.run([python, "-c", "pass"], env=environment, check=True)
    return time.perf_counter() - begun
