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

"""The linter of nova.conf ``[pci]``: from configurations to findings, and never to a file.

The rules are in :mod:`vfio_lm.pci.lint.catalogue`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from vfio_lm.pci.conf_text import Setting
from vfio_lm.pci.lint.catalogue import RULES, Severity
from vfio_lm.pci.lint.configurations import Service, view_cloud
from vfio_lm.pci.release import NovaRelease

__all__ = ["Finding", "Service", "Severity", "corrected_sections", "fix", "lint"]

# Each round mends one mistake of each setting, and no setting has that many.
_ROUNDS = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One mistake, or something that is good to know."""

    rule: str
    """For example ``alias-unknown-key``."""
    severity: Severity
    source: str
    """The label of the service."""
    setting: Setting | None
    """What is wrong; None if something is missing."""
    why: str
    replacement: Setting | None
    """What should stand there; None where only a human can know."""

    @property
    def file(self) -> str:
        """The file to edit; empty if it is not known."""
        place = self.setting or self.replacement
        return place.file if place else ""

    @property
    def line(self) -> int | None:
        """The line, counted from 1; None if it is the whole file or something is missing."""
        return (self.setting.line or None) if self.setting else None

    @property
    def option(self) -> str:
        """As it is written, for example ``[DEFAULT]pci_alias``."""
        place = self.setting or self.replacement
        return place.name if place else ""

    @property
    def value(self) -> str:
        """The value as it is written."""
        return self.setting.value if self.setting else ""

    @property
    def corrected(self) -> str:
        """The line ready to paste; empty where only a human can know."""
        return self.replacement.text if self.replacement else ""


def lint(services: Iterable[Service], *, release: NovaRelease | None = None) -> tuple[Finding, ...]:
    """Return all that is wrong or worth knowing, the worst first.

    :param services: the configurations of one cloud, nova-api's first
    :param release: the release of nova; without it rules that depend on it are silent
    """
    cloud = view_cloud(services, release)
    findings = [
        Finding(rule.id, rule.severity, hit.label, hit.setting, hit.why, hit.replacement)
        for rule in RULES
        for hit in rule.check(cloud)
    ]
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def fix(services: Iterable[Service], *, release: NovaRelease | None = None) -> tuple[Service, ...]:
    """Return the configurations with all corrections that the findings propose."""
    current = tuple(services)
    for _ in range(_ROUNDS):
        mended = _mend_once(current, lint(current, release=release))
        if mended == current:
            break
        current = mended
    return current


def _mend_once(services: tuple[Service, ...], findings: Iterable[Finding]) -> tuple[Service, ...]:
    """Apply the first correction of each setting."""
    replaced: dict[tuple[str, Setting], Setting] = {}
    added: dict[str, list[Setting]] = {}
    for finding in findings:
        new = finding.replacement
        if new is None:
            continue
        if finding.setting is None:
            others = added.setdefault(finding.source, [])
            if new not in others:
                others.append(new)
        else:
            replaced.setdefault((finding.source, finding.setting), new)

    def mended(service: Service) -> Service:
        kept = (replaced.get((service.label, each), each) for each in service.text.settings)
        settings = (*kept, *added.get(service.label, ()))
        return dataclasses.replace(
            service, text=dataclasses.replace(service.text, settings=settings)
        )

    return tuple(map(mended, services))


def corrected_sections(before: Iterable[Service], after: Iterable[Service]) -> Iterator[str]:
    """Yield the lines of the corrected sections, for each service and file.

    Of ``[pci]`` all settings are shown, of other sections those that were changed: there may be
    secrets in them.
    """
    for old, new in zip(before, after, strict=True):
        known = set(old.text.settings)
        gone = sorted(known - set(new.text.settings), key=lambda each: (each.file, each.line))
        shown = [each for each in new.text.settings if each.section == "pci" or each not in known]
        for file in dict.fromkeys(each.file for each in shown):
            yield f"# {new.label}: {file}" if new.label != file else f"# {file}"
            here = [each for each in shown if each.file == file]
            for section in dict.fromkeys(each.section for each in here):
                yield f"[{section}]"
                yield from (each.text for each in here if each.section == section)
            yield from (
                f"# replaces line {each.line}: {each.name}" for each in gone if each.file == file
            )
            yield ""
