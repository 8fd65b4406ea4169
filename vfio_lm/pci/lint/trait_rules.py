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

from collections.abc import Iterable, Iterator

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
        for word in words:
            name = word.strip().lstrip("!").strip()
            if name in standard or os_traits.is_custom(name.upper()):
                continue
            meant = closest(name, standard, cutoff=0.9)
            if meant:
                made = ",".join(names.traits(word))
                why = (
                    f"{name!r} is no standard trait, nova makes {made} of it; did you mean {meant}?"
                )
                mended = [w.replace(name, meant) if w == word else w for w in words]
                yield _hit(entry, why, mended)


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
