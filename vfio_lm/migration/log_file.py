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

"""What the log files of nova and QEMU say about a live migration.

A record of nova's log may have several lines: libvirt hands on all that QEMU said, and an exception
comes with its traceback. What matters is often in one of the later lines, so all of them belong to
the record.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable, Iterator

from vfio_lm.errors import VfioLmError
from vfio_lm.migration.causes import Words
from vfio_lm.pci.input_file import InputFileError, open_regular

# The end of a file is what counts; a log may be large.
_MOST_RECORDS = 500
_MOST_LINES_OF_A_RECORD = 200

#: What a journal puts before each line.
_JOURNAL = re.compile(r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [\w./@-]+\[\d+\]: ")
#: How oslo.log begins a line, by default and as DevStack sets it up.
_HEAD = re.compile(
    r"^(?P<key>(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d+ \d+ )?"
    r"(?P<level>DEBUG|INFO|AUDIT|WARNING|ERROR|CRITICAL|TRACE) [\w.-]+) ?(?P<rest>.*)$"
)
_CONTEXT = re.compile(r"^\[(?:-|(?:\S+ )?req-[0-9a-f-]{36}[^]]*)\] ?")
_INSTANCE = re.compile(r"^\[instance: [0-9a-f-]{36}\] ?")
_ERRORS = frozenset({"ERROR", "CRITICAL", "TRACE"})


class LogError(VfioLmError):
    """A log file that cannot be read."""


@dataclasses.dataclass(frozen=True)
class _LogRecord:
    """What was logged at once."""

    key: str
    """The time, process, level and logger; empty for a line that is not of nova's log."""
    is_error: bool
    lines: list[str]
    """As they stand in the file."""
    messages: list[str]
    """Without what the logger puts before each."""

    def names(self, word: str) -> bool:
        """Whether a word is in one of the lines."""
        return any(word in line for line in self.lines)

    def words(self, path: str, *, is_sure: bool) -> Iterator[Words]:
        """Yield the lines; only the first counts as an error where it is not understood."""
        for number, message in enumerate(self.messages):
            yield Words(
                text=message,
                said_by=path,
                is_of_this_migration=is_sure,
                is_error=self.is_error and number == 0,
            )


def read_log(path: str, server_id: str, request_id: str) -> tuple[Words, ...]:
    """Return the end of what a file says about a server, line by line.

    Records with the request are about this migration; where there are none, records with the
    server may be about another one. QEMU writes a file for each server, without naming it in each
    line.

    :param request_id: empty where it is not known
    :raises LogError: if the file cannot be read
    """
    of_request: collections.deque[_LogRecord] = collections.deque(maxlen=_MOST_RECORDS)
    of_server: collections.deque[_LogRecord] = collections.deque(maxlen=_MOST_RECORDS)
    of_file: collections.deque[_LogRecord] = collections.deque(maxlen=_MOST_RECORDS)
    is_of_nova = False
    try:
        with open_regular(path) as file:
            for record in _records(line.decode(errors="replace").strip() for line in file):
                if request_id and record.names(request_id):
                    of_request.append(record)
                elif record.names(server_id):
                    of_server.append(record)
                of_file.append(record)
                is_of_nova = is_of_nova or bool(record.key)
    except OSError as exc:
        raise LogError(f"{path}: {exc.strerror}") from exc
    except InputFileError as exc:
        raise LogError(str(exc)) from None
    found = of_request or (of_server if is_of_nova else of_file)
    return tuple(
        words for record in found for words in record.words(path, is_sure=bool(of_request))
    )


def _records(lines: Iterable[str]) -> Iterator[_LogRecord]:
    """Put the lines of each record together.

    A line that does not begin as nova's do goes on with the record before it. The lines of a
    traceback begin with the time, process and logger of their record, and lack the request.
    """
    record: _LogRecord | None = None
    for line in lines:
        journal = _JOURNAL.match(line)
        said = line[journal.end() :] if journal else line
        head = _HEAD.match(said)
        if head is None:
            if record is None or not record.key:
                if record is not None:
                    yield record
                record = _LogRecord("", False, [line], [said])
            else:
                _go_on(record, line, said)
            continue
        key = (journal.group() if journal else "") + head["key"]
        rest, contexts = _CONTEXT.subn("", head["rest"])
        message = _INSTANCE.sub("", rest)
        if record is not None and record.key == key and not contexts:
            _go_on(record, line, message)
            continue
        if record is not None:
            yield record
        record = _LogRecord(key, head["level"] in _ERRORS, [line], [message])
    if record is not None:
        yield record


def _go_on(record: _LogRecord, line: str, message: str) -> None:
    if len(record.lines) < _MOST_LINES_OF_A_RECORD:
        record.lines.append(line)
        record.messages.append(message)
