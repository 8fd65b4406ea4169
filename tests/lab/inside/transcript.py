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

"""What the lab prints: the commands that were typed, what they said, and whether that is right."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from collections.abc import Sequence

_LONGEST_SECONDS = 240


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    status: int
    text: str
    """Standard output and standard error as they came."""


class Transcript:
    """Prints, and counts the checks."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def title(self, text: str) -> None:
        """Begin a chapter."""
        print(f"\n# {text}", flush=True)

    def type(self, prompt: str, command: str, enter: Sequence[str] = ()) -> Answer:
        """Show a command, run it, and show what it says.

        :param prompt: the host's name
        :param enter: the command that runs it on that host
        """
        print(f"\n{prompt}# {command}", flush=True)
        try:
            done = subprocess.run(
                [*enter, *shlex.split(command)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            answer = Answer(124, f"(no end after {_LONGEST_SECONDS} s)")
        else:
            answer = Answer(done.returncode, done.stdout.decode().rstrip("\n"))
        if answer.text:
            print(answer.text, flush=True)
        if answer.status:
            print(f"(exit status {answer.status})", flush=True)
        return answer

    def check(self, statement: str, holds: bool, seen: object = None) -> None:
        """Tell whether something is as it should be.

        :param seen: what there was instead
        """
        if holds:
            self.passed += 1
            print(f"  ok: {statement}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED: {statement}{'' if seen is None else f' (seen: {seen})'}", flush=True)

    def equal(self, statement: str, seen: object, wanted: object) -> None:
        """Check that something is what it should be."""
        self.check(statement, seen == wanted, seen)

    def not_run(self, what: str, why: str) -> None:
        """Tell that something cannot be tried here."""
        print(f"  not run: {what}: {why}", flush=True)

    def end(self) -> None:
        """Print the line that ends the transcript."""
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
