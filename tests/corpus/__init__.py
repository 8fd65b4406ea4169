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

"""Configurations with their expected findings, for the linter.

A case is a file, or a folder with one file for each service. A comment ``# expect: RULE SEVERITY``
stands above the line that the finding is about; with ``missing`` behind it the finding is about
something that is not in the file. ``# release: 2025.1`` says which nova is asked about.

Files of other kinds are no cases of the linter: error_texts.yaml has texts that people published,
and multi-line-log the log of a failed live migration.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

from vfio_lm.pci import NovaRelease
from vfio_lm.pci.conf_text import read_conf_text
from vfio_lm.pci.lint.linter import Finding, Service

FOLDER = pathlib.Path(__file__).parent

Expectation = tuple[str, str, str, int | None]
"""Source, rule, severity and line."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One cloud's configuration."""

    name: str
    services: tuple[Service, ...]
    release: NovaRelease | None
    expected: tuple[Expectation, ...]


def cases() -> Iterator[Case]:
    """Yield all cases."""
    for path in sorted(FOLDER.iterdir()):
        files = sorted(path.glob("*.conf")) if path.is_dir() else [path]
        if not files or files[0].suffix != ".conf":
            continue
        expected: list[Expectation] = []
        release = None
        for file in files:
            lines = file.read_text().splitlines()
            expected += _expected(file.stem, lines)
            for line in lines:
                if line.startswith("# release: "):
                    release = NovaRelease(line.removeprefix("# release: "))
        services = tuple(Service(file.stem, read_conf_text([file])) for file in files)
        yield Case(path.stem, services, release, tuple(sorted(expected, key=str)))


def found(finding: Finding) -> Expectation:
    """Write a finding down as an expectation."""
    return finding.source, finding.rule, finding.severity.value, finding.line


def _expected(label: str, lines: list[str]) -> Iterator[Expectation]:
    for number, line in enumerate(lines, start=1):
        if not line.startswith("# expect: "):
            continue
        rule, severity, *missing = line.removeprefix("# expect: ").split()
        below = number + 1
        while lines[below - 1].startswith("#"):
            below += 1
        yield label, rule, severity, None if missing else below
