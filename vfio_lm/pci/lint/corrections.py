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
"""Configurations with the corrections that the linter proposes, and what each of them is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vfio_lm.pci.conf_text import Setting
from vfio_lm.pci.lint.linter import Finding, Service, Severity, lint
from vfio_lm.pci.redact import is_well_formed
from vfio_lm.pci.release import NovaRelease

# Each round mends one mistake of each setting, and no setting has that many.
_ROUNDS = 10

#: A setting of a service; the same line may be in the files of two services.
_Place = tuple[str, Setting]


@dataclasses.dataclass(frozen=True)
class SettingCorrection:
    """What became of one setting."""

    before: Setting | None
    """None where it was missing."""
    findings: tuple[Finding, ...]
    """What was mended, one after the other."""


@dataclasses.dataclass(frozen=True)
class Corrected:
    """Configurations after all corrections."""

    services: tuple[Service, ...]
    corrections: Mapping[_Place, SettingCorrection]
    """By the label of the service and the setting as it is now."""
    left: tuple[Finding, ...]
    """What only a human can mend, and what is only good to know."""


def fix(services: Iterable[Service], *, release: NovaRelease | None = None) -> Corrected:
    """Return the configurations with all corrections that the findings propose."""
    current = tuple(services)
    corrections: dict[_Place, SettingCorrection] = {}
    for _ in range(_ROUNDS):
        findings = lint(current, release=release)
        mended = _mend_once(current, findings, corrections)
        if mended == current:
            break
        current = mended
    return Corrected(current, corrections, lint(current, release=release))


def _mend_once(
    services: tuple[Service, ...],
    findings: Iterable[Finding],
    corrections: dict[_Place, SettingCorrection],
) -> tuple[Service, ...]:
    """Apply the first correction of each setting, and note what it is for."""
    replaced: dict[_Place, Setting] = {}
    added: dict[str, list[Setting]] = {}
    for finding in findings:
        new = finding.replacement
        if new is None:
            continue
        place = None if finding.setting is None else (finding.source, finding.setting)
        if place is None:
            others = added.setdefault(finding.source, [])
            if new not in others:
                others.append(new)
                corrections[finding.source, new] = SettingCorrection(None, (finding,))
        elif place not in replaced:
            replaced[place] = new
            known = corrections.pop(place, SettingCorrection(finding.setting, ()))
            corrections[finding.source, new] = dataclasses.replace(
                known, findings=(*known.findings, finding)
            )

    def mended(service: Service) -> Service:
        own = {old: new for (label, old), new in replaced.items() if label == service.label}
        return service.with_settings(own, added.get(service.label, ()))

    return tuple(map(mended, services))


def corrected_sections(before: Iterable[Service], after: Corrected) -> Iterator[str]:
    """Yield the lines of the corrected sections, for each service and file.

    Of ``[pci]`` all settings are shown, of other sections those that were changed: there may be
    secrets in them. A comment above a line says what was changed and why, or why it could not be.
    """
    for old, new in zip(before, after.services):
        known = set(old.text.settings)
        shown = [each for each in new.text.settings if each.section == "pci" or each not in known]
        for file in dict.fromkeys(each.file for each in shown):
            yield f"# {new.label}: {file}"
            here = [each for each in shown if each.file == file]
            for section in dict.fromkeys(each.section for each in here):
                yield f"[{section}]"
                for setting in (each for each in here if each.section == section):
                    yield from _comments(new.label, setting, after)
                    yield setting.text if is_well_formed(setting) else _stays(setting)
            yield ""
        yield from _elsewhere(new.label, shown, after)


def _stays(setting: Setting) -> str:
    return f"# line {setting.line} stays as it is, and is not shown: it may be a secret"


def _comments(label: str, setting: Setting, after: Corrected) -> Iterator[str]:
    correction = after.corrections.get((label, setting))
    if correction is not None:
        place = correction.before
        yield f"# replaces line {place.line}: {place.name}" if place else "# added"
        yield from _reasons(correction.findings)
    left = [each for each in _serious(label, after) if each.setting == setting]
    if left:
        yield f"# not mended: line {setting.line}"
        yield from _reasons(left)


def _elsewhere(label: str, shown: Sequence[Setting], after: Corrected) -> Iterator[str]:
    """Yield what is wrong with a service and not with a line that is shown."""
    left = [each for each in _serious(label, after) if each.setting not in shown]
    for finding in left:
        where = ":".join(filter(None, (finding.file, str(finding.line or ""))))
        yield f"# {label}: not mended{f': {where}' if where else ''}"
        yield from _reasons([finding])
    if left:
        yield ""


def _serious(label: str, after: Corrected) -> Iterator[Finding]:
    for finding in after.left:
        if finding.source == label and finding.severity is not Severity.INFO:
            yield finding


def _reasons(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield each reason once; the same may be mended at several places of a setting."""
    reasons = (f"#   {each.rule}: {' '.join(each.why.split())}" for each in findings)
    yield from dict.fromkeys(reasons)
