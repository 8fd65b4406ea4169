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

"""The steps that build the lab: each is timed, and only done again if its inputs changed."""

from __future__ import annotations

import hashlib
import pathlib
import threading
import time
from collections.abc import Callable, Iterable

Input = str | pathlib.Path
"""A text, or a file whose contents count."""


class Stages:
    """Steps whose results are kept in a folder.

    :param work: the folder; a step that ended leaves a file with the digest of its inputs there
    """

    def __init__(self, work: pathlib.Path) -> None:
        self._work = work
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def do(self, name: str, title: str, inputs: Iterable[Input], build: Callable[[], None]) -> None:
        """Carry a step out, unless it has been with the same inputs.

        :param name: of the file that says that it ended
        :param inputs: what its result depends on
        """
        stamp = self._work / f"{name}.done"
        digest = _digest(inputs)
        if stamp.exists() and stamp.read_text() == digest:
            self.tell(f"{title}: there already")
            return
        stamp.unlink(missing_ok=True)
        began = time.monotonic()
        build()
        stamp.write_text(digest)
        self.tell(f"{title}: {time.monotonic() - began:.0f} s")

    def tell(self, text: str) -> None:
        """Print a line with the time since the beginning."""
        with self._lock:
            print(f"[{time.monotonic() - self._began:4.0f} s] {text}", flush=True)


def _digest(inputs: Iterable[Input]) -> str:
    digest = hashlib.sha256()
    for each in inputs:
        digest.update(each.read_bytes() if isinstance(each, pathlib.Path) else each.encode())
        digest.update(b"\0")
    return digest.hexdigest()
