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

"""Finding the checks that are installed, ours and those of others."""

from __future__ import annotations

import importlib.metadata

from vfio_lm.preflight.check import (
    ENTRY_POINT_GROUP,
    Check,
    Outcome,
    Refuser,
    Scope,
    unknown,
)
from vfio_lm.preflight.facts import Facts


def installed_checks() -> tuple[Check, ...]:
    """Return every check of the entry-point group, ordered by scope and id.

    An entry that cannot be loaded becomes a check that answers unknown: a check that is silently
    missing could turn a verdict into a false ready.
    """
    scopes = list(Scope)
    checks = [
        check
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
        for check in _load(entry)
    ]
    return tuple(sorted(checks, key=lambda check: (scopes.index(check.scope), check.id)))


def _load(entry: importlib.metadata.EntryPoint) -> tuple[Check, ...]:
    try:
        loaded = entry.load()
        checks = loaded if isinstance(loaded, tuple) else (loaded,)
        if not all(isinstance(check, Check) for check in checks):
            raise TypeError(f"{entry.value} is no vfio_lm.preflight.Check, nor a tuple of them")
    except Exception as exc:  # noqa: BLE001 - whatever a foreign module raises at import
        return (_broken(entry, f"{type(exc).__name__}: {exc}"),)
    return checks


def _broken(entry: importlib.metadata.EntryPoint, reason: str) -> Check:
    def ask(facts: Facts) -> Outcome:
        return unknown(
            f"the check cannot be loaded: {reason}",
            settled_by=f"mend or remove the package that provides {entry.value}",
        )

    return Check(entry.name, Scope.CLOUD, "Can the check be loaded?", Refuser.NOWHERE, ask)
