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

"""The catalogues of the panel's translations: ``tox -e messages`` brings them up to date.

New strings are there without a translation then, and those that are gone are at the end.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import subprocess
import sys

from django.core.management import call_command
from django.core.management.commands import makemessages

import horizon_panel

PACKAGE = pathlib.Path(horizon_panel.__file__).parent
LANGUAGES = ("de",)


class _Command(makemessages.Command):
    # What a similar string is called is no translation.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]  # noqa: RUF012


def catalogue(language: str, package: pathlib.Path = PACKAGE) -> pathlib.Path:
    """Return the file that translators edit."""
    return package / "locale" / language / "LC_MESSAGES" / "django.po"


def extract(package: pathlib.Path) -> None:
    """Bring the strings of all catalogues up to date."""
    with contextlib.chdir(package):
        call_command(
            _Command(), locale=list(LANGUAGES), no_wrap=True, add_location="file", verbosity=0
        )
    for language in LANGUAGES:
        path = catalogue(language, package)
        # else every run would be a change
        path.write_text(re.sub(r'"POT-Creation-Date: .*\n', "", path.read_text()))


def compile_catalogue(path: pathlib.Path, target: pathlib.Path) -> str:
    """Write what programs read; return what msgfmt says about it."""
    finished = subprocess.run(
        ["msgfmt", "--check-format", "--statistics", "-o", target, path],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    return finished.stderr.strip()


def main() -> int:
    """Extract and compile; the exit status is 1 if a translation is missing."""
    extract(PACKAGE)
    found = {
        language: compile_catalogue(path, path.with_suffix(".mo"))
        for language in LANGUAGES
        for path in [catalogue(language)]
    }
    for language, statistics in found.items():
        print(f"{language}: {statistics}")
    return int(any("untranslated" in text or "fuzzy" in text for text in found.values()))


if __name__ == "__main__":
    sys.exit(main())
