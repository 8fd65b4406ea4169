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

"""Finding the checks that are installed, ours and those of other packages."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
from collections.abc import Iterator

from vfio_lm.entry_points import entry_points
from vfio_lm.preflight.check import ENTRY_POINT_GROUP, Check, Scope
from vfio_lm.preflight.contract import DISTRIBUTION, FAILURES, defective, flaw_of_entry, raised


def installed_checks() -> tuple[Check, ...]:
    """Return every check of the entry-point group, ordered by scope and id.

    An entry that is of no use becomes a check that answers unknown, and so does the lack of our
    own: a check that is silently missing could turn a verdict into a false ready.
    """
    scopes = list(Scope)
    checks = list(_load_all())
    if not any(check.package == DISTRIBUTION for check in checks):
        flaw = "none of its checks is installed; install the package again"
        checks.append(defective("installed-checks", DISTRIBUTION, flaw))
    return tuple(sorted(checks, key=lambda check: (scopes.index(check.scope), check.id)))


def _load_all() -> Iterator[Check]:
    """Load our own entries first: no other package can take the id of one of them."""
    entries = [
        (_package(distribution, entry), entry)
        for distribution, entry in entry_points(ENTRY_POINT_GROUP)
    ]
    owners: dict[str, str] = {}
    for package, entry in sorted(entries, key=lambda e: (e[0] != DISTRIBUTION, e[0], e[1].name)):
        if entry.name not in owners:
            owners[entry.name] = package
            yield from _load(entry, package)
        else:
            flaw = f"package {owners[entry.name]} has a check of this id"
            yield defective(f"{entry.name}-of-{package}", package, flaw)


def _package(name: str | None, entry: importlib.metadata.EntryPoint) -> str:
    """Return the distribution of an entry, or the module where its metadata do not say it."""
    # As PEP 503 writes a name, whatever wrote the metadata.
    return re.sub(r"[-_.]+", "-", name).lower() if name else entry.value.partition(":")[0]


def _load(entry: importlib.metadata.EntryPoint, package: str) -> tuple[Check, ...]:
    try:
        loaded = entry.load()
        flaw = flaw_of_entry(entry.name, loaded)
        if flaw is None:
            checks = loaded if isinstance(loaded, tuple) else (loaded,)
            return tuple(dataclasses.replace(check, package=package) for check in checks)
    except FAILURES as exc:
        flaw = f"{entry.value} cannot be loaded: {raised(exc)}"
    return (defective(entry.name, package, flaw),)
