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

"""What the words of nova, libvirt and QEMU about a failed live migration mean; one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from vfio_lm.migration.cause_rules import RULES, CauseRule, Certainty


@dataclasses.dataclass(frozen=True)
class Cause:
    """One explanation of a failure."""

    id: str
    """Kebab case, stable."""
    certainty: Certainty
    sentence: str
    evidence: tuple[str, ...]
    """What was seen, in the platform's own words where there are any."""
    check: str
    """The check of the preflight that comes closest; empty where none looks at this."""
    remedy: str


@dataclasses.dataclass(frozen=True)
class Words:
    """Something that the platform said."""

    text: str
    said_by: str
    """For people: an event with its host, or a file."""
    is_of_this_migration: bool = True
    is_error: bool = True
    """Whether it was said as an error, so that it matters also where it is not understood."""


_ORDER = tuple(Certainty)
_MOST_EVIDENCE = 3
_LONGEST_EVIDENCE = 300


def known_causes(words: Iterable[Words]) -> Iterator[Cause]:
    """Yield what is known from words alone, each cause once with all its evidence.

    What was not said about this migration for sure is likely at best.
    """
    found: dict[str, tuple[CauseRule, list[Words]]] = {}
    for each in words:
        if (rule := _rule_for(each)) is not None:
            found.setdefault(rule.id, (rule, []))[1].append(each)
    is_explained = any(not rule.is_fallback for rule, _ in found.values())
    for rule, said in found.values():
        if rule.is_fallback and is_explained:
            continue
        is_certain = any(each.is_of_this_migration for each in said)
        yield Cause(
            id=rule.id,
            certainty=rule.certainty if is_certain else less_certain(rule.certainty),
            sentence=_sentence(rule, said[0]),
            evidence=_evidence(said),
            check=rule.check,
            remedy=rule.remedy,
        )


def _sentence(rule: CauseRule, words: Words) -> str:
    match = rule.pattern.search(words.text)
    return rule.sentence.format(*match.groups() if match else ())


def _evidence(said: Iterable[Words]) -> tuple[str, ...]:
    """Return different words, as many and as much of each as somebody reads."""
    found = list(dict.fromkeys(f"{each.said_by}: {each.text}" for each in said))
    shown = [
        text if len(text) <= _LONGEST_EVIDENCE else f"{text[:_LONGEST_EVIDENCE]} …"
        for text in found[:_MOST_EVIDENCE]
    ]
    more = len(found) - len(shown)
    return (*shown, *([f"and {more} more like these"] if more else []))


def not_understood(words: Iterable[Words]) -> tuple[str, ...]:
    """Return the errors that no rule knows, each once, in the order in which they were said."""
    unknown = [each for each in words if each.is_error and _rule_for(each) is None]
    return tuple(dict.fromkeys(f"{each.said_by}: {each.text}" for each in unknown))


def _rule_for(words: Words) -> CauseRule | None:
    return next((rule for rule in RULES if rule.pattern.search(words.text)), None)


def most_certain_first(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Sort causes; those that are equally sure stay as they are."""
    return tuple(sorted(causes, key=lambda cause: _ORDER.index(cause.certainty)))


def less_certain(certainty: Certainty) -> Certainty:
    """Return what is left of a certainty where it is not sure what the words were about."""
    return Certainty.LIKELY if certainty is Certainty.CERTAIN else Certainty.POSSIBLE
