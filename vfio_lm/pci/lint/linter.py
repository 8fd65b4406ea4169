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
from collections.abc import Iterable

from vfio_lm.pci.conf_text import Setting
from vfio_lm.pci.lint.catalogue import Severity
from vfio_lm.pci.lint.configurations import Service, view_cloud
from vfio_lm.pci.lint.proposals import Proposal, Trial, proposals
from vfio_lm.pci.redact import is_listed, is_well_formed
from vfio_lm.pci.release import NovaRelease
from vfio_lm.quoting import without_credentials

__all__ = ["Finding", "Service", "Severity", "lint"]


@dataclasses.dataclass(frozen=True)
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
    """What should stand there as far as this finding goes; None where only a human can know."""
    in_place: Setting | None = None
    """The same with what else nova would refuse in it corrected."""

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
        """As it is written, for example ``[DEFAULT]pci_alias``; of an unknown one, the section."""
        place = self.setting or self.replacement
        if place is None:
            return ""
        return place.name if self._is_known else f"[{place.section}]"

    @property
    def value(self) -> str:
        """The value as it is written; empty where it may be a secret."""
        if self.setting is None or not self._is_known:
            return ""
        meant = dataclasses.replace(self.setting, name=(self.replacement or self.setting).name)
        return self.setting.value if is_well_formed(meant) else ""

    @property
    def _is_known(self) -> bool:
        """Whether the option is one of nova's, or can be taken for one."""
        return self.replacement is not None or bool(self.setting and is_listed(self.setting))

    @property
    def corrected(self) -> str:
        """The line ready to paste; empty where only a human can know."""
        return self.in_place.text if self.in_place else ""


def lint(services: Iterable[Service], *, release: NovaRelease | None = None) -> tuple[Finding, ...]:
    """Return all that is wrong or worth knowing, the worst first.

    :param services: the configurations of one cloud, nova-api's first
    :param release: the release of nova; without it rules that depend on it are silent
    """
    given = tuple(services)
    if not given:
        return ()
    trial = Trial(given, release)
    findings = [_finding(each, trial) for each in proposals(view_cloud(given, release))]
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def _finding(found: Proposal, trial: Trial) -> Finding:
    """Keep the first correction that nova would take; none is better than a wrong one."""
    rule, why = found.rule, without_credentials(found.why)
    for number, replacement in enumerate(found.replacements):
        # Else it may be another line, which lost its section or begins with a blank.
        in_place = trial.result(found, replacement) if is_well_formed(replacement) else None
        if in_place is not None and is_well_formed(in_place):
            said = f"{why}; {found.guess}" if found.guess and number == 0 else why
            return Finding(
                rule.id, rule.severity, found.label, found.setting, said, replacement, in_place
            )
    return Finding(rule.id, rule.severity, found.label, found.setting, why, None)
