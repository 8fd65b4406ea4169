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

"""The licences of all that the project requires, directly or not, as the packages name them.

``python -m tests.packaging.licences`` writes them down for the documentation.
"""

from __future__ import annotations

import csv
import importlib.metadata
import re
from collections.abc import Iterator

from packaging.requirements import Requirement

from tests.packaging.bounds import TOP, extras, normal

LIST = TOP / "doc" / "source" / "licences.csv"
HEADER = ("Package", "Licence", "Required")

# Before there were expressions (PEP 639), packages said it in words of their own.
_SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "LGPL-v2.0-or-later": "LGPL-2.0-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}

# What may be used beside, or changed in, a program under Apache-2.0.
_PERMISSIVE = re.compile(
    r"0BSD|Apache-2\.0|(LicenseRef-Repoze-)?BSD(-derived|-[23]-Clause)?|CC0-1\.0|ISC|MIT(-0)?"
    r"|(MIT-)?CMU|PSF-2\.0|Zlib"
)
# What may be used beside it, as a library that anybody can exchange.
_OF_LIBRARIES = re.compile(r"LGPL-.*|MPL-2\.0")


def installed(name: str, wanted: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and the licence of what a package requires, with one of its extras."""
    seen: set[str] = set()
    open_: list[tuple[str, set[str]]] = [(name, {wanted})]
    while open_:
        name, chosen = open_.pop()
        distribution = importlib.metadata.distribution(name)
        for text in distribution.requires or []:
            needed = Requirement(text)
            marker = needed.marker
            if marker and not any(marker.evaluate({"extra": each}) for each in chosen):
                continue
            key = normal(needed.name)
            if key not in seen:
                seen.add(key)
                open_.append((needed.name, needed.extras or {""}))
                yield key, licence(importlib.metadata.distribution(needed.name))


def licence(distribution: importlib.metadata.Distribution) -> str:
    """Return the licence as an SPDX expression, or in the words of the package."""
    said = distribution.metadata
    if expression := said["License-Expression"]:
        return str(expression)
    classified = [
        each.rpartition(" :: ")[2]
        for each in said.get_all("Classifier") or []
        if each.startswith("License :: OSI Approved :: ")
    ]
    words = classified or [str(said["License"] or "not named").splitlines()[0]]
    return " AND ".join(_SPDX.get(each, each) for each in words)


def is_compatible(expression: str) -> bool:
    """Return whether a program under Apache-2.0 may require what has this licence."""
    return any(
        all(
            _PERMISSIVE.fullmatch(each) or _OF_LIBRARIES.fullmatch(each)
            for each in alternative.split(" AND ")
        )
        for alternative in expression.replace("(", "").replace(")", "").split(" OR ")
    )


def rows() -> list[tuple[str, str, str]]:
    """Return each package once, with its licence and the extra that first asks for it."""
    found: dict[str, tuple[str, str, str]] = {}
    for extra in ("", *extras()):
        for name, said in installed("openstack-vfio-lm", extra):
            found.setdefault(name, (name, said, f"[{extra}]" if extra else "always"))
    return sorted(found.values())


def main() -> None:
    """Write the list of the documentation."""
    with LIST.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows()])


if __name__ == "__main__":
    main()
