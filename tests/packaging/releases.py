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

"""The upper constraints of the supported releases of OpenStack, as far as they concern us.

They are facts, kept so that no test needs a net. ``python -m tests.packaging.releases 2027.1``
reads ``upper-constraints.txt`` of openstack/requirements from standard input and writes down those
of another release, or newer ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.version import Version

from tests.packaging import bounds, licences

FOLDER = bounds.TOP / "tests" / "packaging" / "constraints"

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
"""For which a release may hold different versions."""


def releases() -> list[str]:
    """Return the supported releases, the oldest first."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def constraints(release: str, python: str) -> dict[str, Version]:
    """Return the version of each package, by its name as PyPI compares names."""
    found = {}
    for each in map(Requirement, _lines((FOLDER / f"{release}.txt").read_text())):
        if each.marker is None or each.marker.evaluate({"python_version": python}):
            (pin,) = each.specifier
            found[bounds.normal(each.name)] = Version(pin.version)
    return found


def refused(
    wanted: Iterable[bounds.Requirement], held: dict[str, Version]
) -> Iterator[bounds.Requirement]:
    """Yield the requirements with which pip would end with ResolutionImpossible."""
    for each in wanted:
        if each.name in held and held[each.name] < Version(each.lowest):
            yield each


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if pin := line.partition("#")[0].strip():
            yield pin


def main(release: str) -> None:
    """Keep what concerns us of the constraints on standard input."""
    ours = {name for name, _, _ in licences.rows()}
    for path in FOLDER.glob("*.txt"):
        ours |= {bounds.normal(Requirement(pin).name) for pin in _lines(path.read_text())}
    pins = sorted(_lines(sys.stdin.read()), key=lambda pin: bounds.normal(Requirement(pin).name))
    kept = [pin for pin in pins if bounds.normal(Requirement(pin).name) in ours]
    head = f"# upper constraints of {release}: what we require, with all that it requires"
    (FOLDER / f"{release}.txt").write_text("\n".join([head, *kept, ""]))


if __name__ == "__main__":
    main(*sys.argv[1:])
