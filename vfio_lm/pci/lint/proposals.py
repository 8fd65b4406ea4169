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

"""What the rules find, one proposal for each setting; and whether nova would take it in its place.

A setting may hold a list of many objects: what one rule finds in it is one proposal, so that the
output grows with the files and not with their square.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from vfio_lm.pci.conf_text import Setting
from vfio_lm.pci.lint.catalogue import RULES, Rule, Severity
from vfio_lm.pci.lint.caution import ONLY_A_HUMAN_KNOWS, declares_too_much
from vfio_lm.pci.lint.configurations import CloudView, Edit, Service, edited, view_cloud
from vfio_lm.pci.lint.hit import Hit
from vfio_lm.pci.release import NovaRelease

_REASONS_SHOWN = 3

#: One correction may uncover the need for another in the same line, and no line needs as many.
_STEPS = 6


@dataclasses.dataclass(frozen=True)
class Proposal:
    """What one rule finds in one setting, and what it would do about it."""

    rule: Rule
    label: str
    """Of the service."""
    setting: Setting | None
    """None where one is missing."""
    why: str
    replacements: tuple[Setting, ...] = ()
    """The best first: each is for the case that nova would not take the one before."""
    guess: str = ""
    """What the first of them takes for granted."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What it is about, also after the setting has been replaced."""
        file, line = (self.setting.file, self.setting.line) if self.setting else ("", 0)
        return self.rule.id, self.label, file, line


def proposals(cloud: CloudView) -> list[Proposal]:
    """Return what the rules find, in their order."""
    found = []
    for rule in RULES:
        groups: dict[tuple[object, ...], list[Hit]] = {}
        for hit in rule.check(cloud):
            # What is missing is something else each time.
            key = (hit.label, hit.setting, None if hit.setting else hit.replacement)
            groups.setdefault(key, []).append(hit)
        found += [_proposal(rule, hits) for hits in groups.values()]
    return found


def _proposal(rule: Rule, hits: Sequence[Hit]) -> Proposal:
    first = hits[0]
    whys = list(dict.fromkeys(hit.why for hit in hits))
    guesses = dict.fromkeys(hit.guess for hit in hits if hit.guess)
    setting = first.setting
    replacements = []
    is_wide = False
    for choice in ("replacement", "otherwise"):
        given = [each for hit in hits if (each := getattr(hit, choice) or hit.replacement)]
        kept = [each for each in given if not _declares_too_much(setting, each)]
        is_wide = is_wide or len(kept) < len(given)
        replacement = _applied(setting, kept)
        if replacement is not None and replacement not in replacements:
            replacements.append(replacement)
    if is_wide:
        whys.append(ONLY_A_HUMAN_KNOWS)
    return Proposal(
        rule, first.label, setting, _why(hits, whys), tuple(replacements), " ".join(guesses)
    )


def _why(hits: Sequence[Hit], whys: Sequence[str]) -> str:
    text = "; ".join(whys[:_REASONS_SHOWN])
    if more := len(whys) - _REASONS_SHOWN:
        text += f"; and {more} more reasons" if more > 0 else ""
    is_list = any(
        isinstance(hit.replacement, Edit) and hit.replacement.entry.position is not None
        for hit in hits
    )
    return f"{len(hits)} entries of this line: {text}" if is_list and len(hits) > 1 else text


def _declares_too_much(before: Setting | None, replacement: Setting | Edit) -> bool:
    if isinstance(replacement, Edit):
        return declares_too_much(*replacement.alone)
    return declares_too_much(before, replacement)


def _applied(setting: Setting | None, kept: Sequence[Setting | Edit]) -> Setting | None:
    """Return a setting after all that a rule would change in it."""
    for each in kept:
        if isinstance(each, Setting):
            return each
    edits = [each for each in kept if isinstance(each, Edit)]
    return edited(setting, edits) if setting is not None and edits else None


class Trial:
    """Puts corrections in their places, and asks the rules, which are nova's, what they think.

    :param services: the configurations of one cloud, nova-api's first
    """

    def __init__(self, services: Sequence[Service], release: NovaRelease | None) -> None:
        self._services = services
        self._release = release
        self._before: dict[str, frozenset[tuple[str, str, str, int]]] = {}
        view = view_cloud(services, release).services
        self._in_placement = next((each.label for each in view if each.pci_in_placement), None)

    def result(self, proposal: Proposal, replacement: Setting) -> Setting | None:
        """Return a correction as it may be shown; None: nova would not take it.

        Other corrections that its line needs, too, are part of it.
        """
        services = self._near(proposal.label)
        old, new = proposal.setting, replacement
        for _ in range(_STEPS):
            services = _put(services, proposal.label, old, new)
            found = self._errors(services)
            here = [p for p in found if p.setting == new and p.label == proposal.label]
            if not here:
                others = {p.key for p in found if not p.replacements}
                return None if others - self._known(proposal.label) else new
            step = next((p.replacements[0] for p in here if p.replacements), None)
            if step is None:
                return None
            old, new = new, step
        return None

    def _near(self, label: str) -> tuple[Service, ...]:
        """Return the service itself, and those by which the rules measure it."""
        wanted = {label, self._services[0].label, self._in_placement}
        return tuple(each for each in self._services if each.label in wanted)

    def _known(self, label: str) -> frozenset[tuple[str, str, str, int]]:
        if label not in self._before:
            errors = self._errors(self._near(label))
            self._before[label] = frozenset(each.key for each in errors)
        return self._before[label]

    def _errors(self, services: Sequence[Service]) -> list[Proposal]:
        found = proposals(view_cloud(services, self._release))
        return [each for each in found if each.rule.severity is Severity.ERROR]


def _put(
    services: Iterable[Service], label: str, old: Setting | None, new: Setting
) -> tuple[Service, ...]:
    def put(service: Service) -> Iterator[Service]:
        if service.label != label:
            yield service
        elif old is None:
            yield service.with_settings({}, [new])
        else:
            yield service.with_settings({old: new})

    return tuple(each for service in services for each in put(service))
