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

"""One line of progress on a stream; how progress reads is the caller's business."""

from __future__ import annotations

from typing import TextIO

_ERASE_TO_END = "\x1b[K"


class ProgressLine:
    """A line that changes in place on a terminal; elsewhere only news are written.

    :param stream: where to write; whether it is a terminal decides on the form
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_open = False
        self.is_terminal = stream.isatty()

    def show(self, text: str) -> None:
        """Replace the line on a terminal; elsewhere write nothing."""
        if self.is_terminal:
            self._write(f"\r{text}{_ERASE_TO_END}")
            self._is_open = True

    def note(self, text: str) -> None:
        """Write a line that stays where there is no terminal; on one write nothing."""
        if not self.is_terminal:
            self._write(f"{text}\n")

    def end(self) -> None:
        """Leave the line as it is, for other text to follow."""
        if self._is_open:
            self._write("\n")
            self._is_open = False

    def erase(self) -> None:
        """Take the line away, once it is of no use any more."""
        if self._is_open:
            self._write(f"\r{_ERASE_TO_END}")
            self._is_open = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
