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

"""Prints in which point releases of nova a function is the same.

``python -m tests.releases.fingerprints nova.compute.claims:MoveClaim``; without names it prints
all that ``vfio_lm/inside_nova`` has to know. Each release is fetched from PyPI once, and read
without being installed.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from vfio_lm.inside_nova import known
from vfio_lm.inside_nova.fingerprint import fingerprint

#: Every nova that live migrates devices of an alias; a new one is added here first.
RELEASES = (
    "31.0.0",
    "31.0.1",
    "31.1.0",
    "31.2.0",
    "31.3.0",
    "31.3.1",
    "32.0.0",
    "32.1.0",
    "32.2.0",
    "32.2.1",
    "33.0.0",
    "33.0.1",
    "33.0.2",
    "34.0.0",
)

CACHE = Path(tempfile.gettempdir()) / "nova-wheels"


def wheel(release: str) -> zipfile.ZipFile:
    """Open the wheel of a release, fetched if it is not there yet."""
    name = CACHE / f"nova-{release}-py3-none-any.whl"
    if not name.exists():
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary", ":all:", "--dest", CACHE, f"nova=={release}"),
            ],
            check=True,
        )
    return zipfile.ZipFile(name)


def text(archive: zipfile.ZipFile, name: str) -> str | None:
    """Return the text of a function in a wheel, decorators included; None if it is not there."""
    module, _, path = name.partition(":")
    try:
        source = archive.read(f"{module.replace('.', '/')}.py").decode()
    except KeyError:
        return None
    body: Sequence[ast.AST] = ast.parse(source).body
    node = None
    for part in path.split("."):
        node = next(
            (
                each
                for each in body
                if isinstance(each, ast.FunctionDef | ast.ClassDef) and each.name == part
            ),
            None,
        )
        if node is None:
            return None
        body = node.body
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def fingerprints(names: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Return the fingerprint of each function in each release; None where it is not there."""
    found: dict[str, dict[str, str | None]] = {name: {} for name in names}
    for release in RELEASES:
        with wheel(release) as archive:
            for name in names:
                each = text(archive, name)
                found[name][release] = None if each is None else fingerprint(each)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.releases.fingerprints")
    parser.add_argument("name", nargs="*", help="as nova.module:Class.function")
    names = parser.parse_args().name or sorted(known.every_name())
    for name, by_release in fingerprints(names).items():
        print(name)
        for value in dict.fromkeys(by_release.values()):
            releases = [release for release, each in by_release.items() if each == value]
            print(f"    {value}  {releases[0]}..{releases[-1]}  ({len(releases)})")


if __name__ == "__main__":
    main()
