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

"""Rules of the linter about the ``traits`` of aliases and of device specifications alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator

import os_traits

from vfio_lm.pci import names
from vfio_lm.pci.lint.configurations import AliasEntry, CloudView, SpecEntry
from vfio_lm.pci.lint.hit import Hit, closest


def negated_traits(cloud: CloudView) -> Iterator[Hit]:
    """Yield ``!TRAIT``: nova cannot forbid a trait here."""
    for entry, words in _worded(cloud):
        wrong = [word for word in words if word.strip().startswith("!")]
        if wrong:
            made = ",".join(sorted(names.traits(",".join(wrong))))
            why = f"nova cannot forbid traits here: it makes the custom trait {made} of it"
            yield _hit(entry, why, [word for word in words if word not in wrong])


def blanks_in_traits(cloud: CloudView) -> Iterator[Hit]:
    """Yield traits with blanks around them, or nothing between two commas."""
    for entry, words in _worded(cloud):
        wrong = [word for word in words if word != word.strip() or not word]
        if wrong:
            made = ",".join(sorted(names.traits(",".join(wrong))))
            why = f"nova does not remove blanks around traits: it makes {made} of {wrong[0]!r}"
            yield _hit(entry, why, [word.strip() for word in words])


def misspelt_traits(cloud: CloudView) -> Iterator[Hit]:
    """Yield names that look like a standard trait and are none."""
    standard = names.standard_traits()
    for entry, words in _worded(cloud):
        meant = {word: found for word in words if (found := _meant(word, standard))}
        if meant:
            made = ",".join(sorted(names.traits(",".join(meant))))
            wrong = ", ".join(repr(_name(word)) for word in meant)
            why = f"nova has no standard trait {wrong}, and makes {made} of it"
            mended = [w.replace(_name(w), meant[w]) if w in meant else w for w in words]
            guess = f"did you mean {', '.join(meant.values())}?"
            yield dataclasses.replace(_hit(entry, why, mended), guess=guess)


def _meant(word: str, standard: Collection[str]) -> str | None:
    """Return the standard trait that was probably meant by a word that is none."""
    name = _name(word)
    if name in standard or os_traits.is_custom(name.upper()):
        return None
    return closest(name, standard, cutoff=0.9)


def _name(word: str) -> str:
    return word.strip().lstrip("!").strip()


def _worded(cloud: CloudView) -> Iterator[tuple[AliasEntry | SpecEntry, list[str]]]:
    """Yield each object that has traits, with the names as nova splits them."""
    for service in cloud.services:
        entries: tuple[AliasEntry | SpecEntry, ...] = (*service.aliases, *service.specs)
        for entry in entries:
            text = entry.fields.get("traits")
            if isinstance(text, str) and text:
                yield entry, text.split(",")


def _hit(entry: AliasEntry | SpecEntry, why: str, mended: Iterable[str]) -> Hit:
    text = ",".join(filter(None, mended))
    return Hit(entry.label, entry.setting, why, entry.changed(traits=text or None))
