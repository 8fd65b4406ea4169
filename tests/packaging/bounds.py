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

"""What the project requires, and the lowest version of each; it needs nothing that is installed."""

from __future__ import annotations

import configparser
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).parents[2]

_FORM = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?>=(?P<lowest>[\d.]+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Requirement:
    """A package, as PyPI compares names, and the lowest version of it that will do."""

    name: str
    lowest: str


def normal(name: str) -> str:
    """Return a name in the form in which PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def in_lines(text: str) -> list[Requirement]:
    """Read lines such as ``oslo.service[threading]>=4.2.0 # Apache-2.0``.

    :raises ValueError: a line has another form: nothing here may have an upper bound
    """
    found = []
    for line in text.splitlines():
        if wanted := line.partition("#")[0].strip():
            form = _FORM.fullmatch(wanted)
            if form is None:
                raise ValueError(f"not NAME>=VERSION: {wanted}")
            found.append(Requirement(normal(form["name"]), form["lowest"]))
    return found


def extras() -> dict[str, list[Requirement]]:
    """Return what each extra of the project requires."""
    parser = configparser.ConfigParser()
    parser.read(TOP / "setup.cfg")
    return {name: in_lines(text) for name, text in parser["extras"].items()}


def required() -> list[Requirement]:
    """Return what the project requires without any extra."""
    return in_lines((TOP / "requirements.txt").read_text())


def main() -> int:
    """Have pip install what the arguments say, with the lowest versions of what is required."""
    everything = [*required(), *(each for extra in extras().values() for each in extra)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.writelines(f"{each.name}=={each.lowest}\n" for each in everything)
        constraints.flush()
        pip = [sys.executable, "-m", "pip", "install", "--constraint", constraints.name]
        return subprocess.run([*pip, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
