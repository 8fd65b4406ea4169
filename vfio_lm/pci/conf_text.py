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

"""nova.conf files as they are written, line by line; what the values mean is asked elsewhere.

This reader never refuses a file: what oslo.config would stop at becomes a :class:`Problem`.
"""

from __future__ import annotations

import dataclasses
import glob
import os
from collections.abc import Iterator, Sequence

from oslo_config import iniparser

from vfio_lm.errors import ConfigError
from vfio_lm.pci.input_file import InputFileError, read_file

ALIAS = "[pci]alias"
DEVICE_SPEC = "[pci]device_spec"
REPORT_IN_PLACEMENT = "[pci]report_in_placement"
PCI_IN_PLACEMENT = "[filter_scheduler]pci_in_placement"
PERMIT_POST_COPY = "[libvirt]live_migration_permit_post_copy"
HOST = "[DEFAULT]host"

OLD_NAMES = {
    "[DEFAULT]pci_alias": ALIAS,
    "[pci]passthrough_whitelist": DEVICE_SPEC,
    "[DEFAULT]pci_passthrough_whitelist": DEVICE_SPEC,
}
"""Names that nova still takes. Source: ``nova/conf/pci.py`` (nova 34.0.0)."""


_LARGEST_BYTES = 16 * 1024 * 1024
"""A sample of nova.conf with all options has less than one."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One assignment in a file."""

    name: str
    """As it is written, for example ``[DEFAULT]pci_alias``."""
    value: str
    """With the lines of a long value joined, and without quotes around it, as nova has it."""
    file: str = ""
    line: int = 0
    """Where the assignment begins, counted from 1; 0 if it stands in no file."""

    @property
    def option(self) -> str:
        """The name that the option has today."""
        return OLD_NAMES.get(self.name, self.name)

    @property
    def place(self) -> str:
        """Where it stands, for messages: ``FILE:LINE``."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def section(self) -> str:
        """The section's name without brackets."""
        return self.name[1:].partition("]")[0]

    @property
    def text(self) -> str:
        """The assignment ready to paste into its section."""
        lines = self.value.split("\n")
        return f"{self.name.partition(']')[2]} = " + "\n    ".join(lines)


@dataclasses.dataclass(frozen=True)
class Problem:
    """What keeps nova from reading a file."""

    file: str
    line: int
    """0 where the whole file is meant."""
    reason: str
    """The line itself is not kept: it may hold a password."""


@dataclasses.dataclass(frozen=True)
class ConfText:
    """All that stands in the files of one service."""

    sources: tuple[str, ...]
    settings: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of(self, option: str) -> tuple[Setting, ...]:
        """Return the settings of an option in the order in which nova takes them.

        Source: oslo.config ``_Namespace._get_file_value``: the files one after the other, and in
        each of them the old names first.
        """
        found = [each for each in self.settings if each.option == option]
        files = list(dict.fromkeys(each.file for each in found))
        names = [*reversed([old for old, new in OLD_NAMES.items() if new == option]), option]
        return tuple(sorted(found, key=lambda e: (files.index(e.file), names.index(e.name))))

    def last(self, option: str) -> Setting | None:
        """Return the setting of a single-valued option that counts."""
        found = self.of(option)
        return found[-1] if found else None


def read_conf_text(paths: Sequence[str | os.PathLike[str]]) -> ConfText:
    """Read files, and conf.d folders, as they are written. Nothing is raised."""
    names = tuple(os.fspath(path) for path in paths)
    settings: list[Setting] = []
    problems: list[Problem] = []
    for name in names:
        try:
            _refuse_empty_folder(name)
        except ConfigError as exc:
            problems.append(Problem(name, 0, exc.reason))
            continue
        for file in _files(name):
            reader = _Reader(file)
            reader.read()
            settings += reader.settings
            problems += reader.problems
    return ConfText(sources=names, settings=tuple(settings), problems=tuple(problems))


def refuse_unreadable(name: str) -> None:
    """Raise ConfigError if a file or folder cannot be read, or the folder holds no configuration.

    oslo.config reads nothing of such a folder, and says nothing; that nova has no such option is
    not meant.
    """
    _refuse_empty_folder(name)
    for file in _files(name):
        try:
            read_file(file, _LARGEST_BYTES)
        except InputFileError as exc:
            raise ConfigError(file, "", "", exc.reason) from None


def _refuse_empty_folder(name: str) -> None:
    if not os.path.isdir(name):
        return
    try:
        os.listdir(name)
    except OSError as exc:
        raise ConfigError(name, "", "", f"cannot be read: {exc.strerror}") from None
    if not list(_files(name)):
        raise ConfigError(name, "", "", "this folder has no file that ends in .conf")


def not_a_configuration(file: str) -> ConfigError:
    """Return the error of a file that oslo.config cannot parse, in place of its own.

    That one quotes the line, which may hold a password; this text may go to logs and reports.
    """
    (problem, *_) = read_conf_text([file]).problems
    reason = f"not a configuration file: line {problem.line}: {problem.reason}"
    return ConfigError(file, "", "", reason)


def _files(name: str) -> Iterator[str]:
    """Return the files that oslo.config reads: of a folder, those that end in ``.conf``."""
    if os.path.isdir(name):
        yield from sorted(glob.glob(os.path.join(glob.escape(name), "*.conf")))
    else:
        yield name


class _Reader(iniparser.BaseParser):
    """The parser of oslo.config, which goes on behind a mistake."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.settings: list[Setting] = []
        self.problems: list[Problem] = []
        self._section: str | None = ""

    def read(self) -> None:
        try:
            content = read_file(self.file, _LARGEST_BYTES)
        except InputFileError as exc:
            self._note(0, exc.reason)
            return
        try:
            text = content.decode()
        except UnicodeDecodeError as exc:
            self._note(content[: exc.start].count(b"\n") + 1, f"not a text file: {exc.reason}")
            text = content.decode(errors="replace")
        # The empty line at the end lets every assignment end on a line of its own.
        lines = [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]
        while self.lineno < len(lines):
            try:
                self.parse(lines[self.lineno :])
            except iniparser.ParseError as exc:
                self._note(exc.lineno, exc.msg)
                if exc.line.startswith("["):
                    # It is unknown which section the following lines were meant for.
                    self._section = None

    def new_section(self, section: str) -> None:
        # oslo.config does not regard the case of section names, but for this one.
        self._section = section if section == "DEFAULT" else section.lower()

    def assignment(self, key: str, value: list[str]) -> None:
        line = self.lineno - len(value)
        if self._section:
            name = f"[{self._section}]{key}"
            self.settings.append(Setting(name, "\n".join(value), self.file, line))
        elif self._section is not None:
            self._note(line, "Section must be started before assignment")

    def _note(self, line: int, reason: str) -> None:
        self.problems.append(Problem(self.file, line, reason))
