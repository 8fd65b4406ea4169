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

"""What a check has promised, and the answer where it does not keep its promise.

Other packages bring checks as well. One that is broken must neither end the command nor make its
output invalid, and it must not be missing from the report either: it is answered unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from vfio_lm.preflight.check import Check, Outcome, Refuser, Scope, Status, unknown

#: Of our own checks, whose evidence the tests look at: large clouds have millions of answers.
DISTRIBUTION = "openstack-vfio-lm"

#: What a package may raise; the user's own interruption is none of it.
FAILURES = (Exception, SystemExit)

_LONGEST = 200


def ask(check: Check, *about: object) -> Outcome:
    """Ask a check, and answer in its place where it breaks the contract.

    :param about: the facts, and for the destination scope a destination
    """
    try:
        outcome = check.ask(*about)
        flaw = _flaw_of_outcome(outcome)
        if flaw is None and check.package != DISTRIBUTION:
            flaw = _flaw_of_evidence(outcome.evidence)
    except FAILURES as exc:
        flaw = raised(exc)
    return outcome if flaw is None else _defect(check.id, check.package, flaw)


def defective(check_id: str, package: str | None, flaw: str) -> Check:
    """Return what stands for a check that cannot be asked."""
    return Check(
        check_id,
        Scope.CLOUD,
        "Can the check be asked?",
        Refuser.NOWHERE,
        lambda facts: _defect(check_id, package, flaw),
        package=package,
    )


def flaw_of_entry(name: str, loaded: object) -> str | None:
    """Say what is wrong with the value of an entry point; None if nothing is."""
    checks = loaded if isinstance(loaded, tuple) else (loaded,)
    if not checks or not all(isinstance(check, Check) for check in checks):
        return "the entry point is neither a Check nor a tuple of Checks"
    for check in checks:
        if check.id != name:
            return f"its id is {check.id!r}, the name of its entry point is {name!r}"
        if (flaw := _flaw_of_check(check)) is not None:
            return flaw
    if len({check.scope for check in checks}) < len(checks):
        return "two checks of the entry point have the same scope"
    return None


def raised(exc: BaseException) -> str:
    """Say in one line what a check raised."""
    try:
        said = " ".join(str(exc).encode("utf-8", "replace").decode().split())
    except Exception:  # noqa: BLE001 - a foreign exception may not even be printed
        said = ""
    name = type(exc).__name__
    return f"it raised {name}: {said[:_LONGEST]}" if said else f"it raised {name}"


def _defect(check_id: str, package: str | None, flaw: str) -> Outcome:
    if package is None:
        return unknown(
            f"defect of check {check_id}: {flaw}", settled_by=f"correct the check {check_id}"
        )
    remedy = f"report it to the maintainers of {package}"
    if package != DISTRIBUTION:
        remedy += ", or remove the package"
    return unknown(f"defect of check {check_id} of package {package}: {flaw}", settled_by=remedy)


def _flaw_of_check(check: Check) -> str | None:
    if not isinstance(check.scope, Scope):
        return f"its scope is {check.scope!r}, not a Scope"
    if not isinstance(check.refused_by, Refuser):
        return f"its refused_by is {check.refused_by!r}, not a Refuser"
    if not isinstance(check.is_decisive, bool):
        return f"its is_decisive is {check.is_decisive!r}, not a bool"
    if not isinstance(check.may_end_in_error, bool):
        return f"its may_end_in_error is {check.may_end_in_error!r}, not a bool"
    if not _is_text(check.question):
        return "its question is not a string of Unicode text"
    if not callable(check.ask):
        return "its ask cannot be called"
    if check.depends_on is not None and not callable(check.depends_on):
        return "its depends_on cannot be called"
    return None


def _flaw_of_outcome(outcome: object) -> str | None:
    if not isinstance(outcome, Outcome):
        what = "None" if outcome is None else f"an object of type {type(outcome).__name__}"
        return f"it returned {what}, not an Outcome"
    if not isinstance(outcome.status, Status):
        return f"its status is {outcome.status!r}, not a Status"
    if not _is_text(outcome.message):
        return "its message is not a string of Unicode text"
    if not _is_text(outcome.remedy):
        return "its remedy is not a string of Unicode text"
    return None


def _flaw_of_evidence(evidence: object) -> str | None:
    if not isinstance(evidence, Mapping):
        return f"its evidence is not a mapping, but of type {type(evidence).__name__}"
    try:
        text = json.dumps(dict(evidence), allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as exc:
        return f"its evidence is not JSON: {exc}"
    return None


def _is_text(value: object) -> bool:
    """Whether a value can be printed: a string without halves of surrogate pairs."""
    if not isinstance(value, str):
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False
