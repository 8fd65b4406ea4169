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

"""The plan of a round as data that can be printed; how it is worked out, and done, is elsewhere."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping

from placement_sync.engine.finding import AuditFinding
from vfio_lm.cloud.model import CloudFlavor


class Durability(enum.Enum):
    """Whether a trait that is written stays.

    On a PCI provider of nova's none would, so none is written: nova-compute sets all its traits.
    """

    DURABLE = "yes"
    """On a root provider: nova-compute keeps there what others set (measured on nova 34)."""
    UNKNOWN = "unknown"
    """On a provider below the root that nova does not own: its owner may overwrite it."""


@dataclasses.dataclass(frozen=True)
class Step:
    """What is to become different about the traits of one provider."""

    provider: str
    """Its name."""
    uuid: str
    host: str
    """The name of its root provider."""
    add: frozenset[str]
    remove: frozenset[str]
    reasons: Mapping[str, str]
    """Why, by trait."""
    durability: Durability = Durability.DURABLE

    @property
    def why(self) -> str:
        """All reasons, each once."""
        texts = (self.reasons[trait] for trait in sorted(self.reasons))
        return "; ".join(dict.fromkeys(texts))

    def applied_to(self, traits: frozenset[str]) -> frozenset[str]:
        """Return the traits of the provider after the step; foreign ones stay."""
        return (traits - self.remove) | self.add

    def __str__(self) -> str:
        changes = [f"+{trait}" for trait in sorted(self.add)]
        changes += [f"-{trait}" for trait in sorted(self.remove)]
        return (
            f"{self.provider}: {' '.join(changes)} (durable: {self.durability.value}): {self.why}"
        )


@dataclasses.dataclass(frozen=True)
class FlavorStep:
    """Extra specs that a flavor is to get; it has none of them yet."""

    flavor: CloudFlavor
    set: Mapping[str, str]
    why: str
    servers: int
    """Servers that run on the flavor; each keeps the copy of the flavor that it has."""

    def __str__(self) -> str:
        changes = " ".join(f"{key}={value}" for key, value in sorted(self.set.items()))
        return f"flavor {self.flavor.name}: {changes}: {self.why}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done in one round, in this order, and what only the operator can do."""

    steps: tuple[Step, ...] = ()
    """By host and provider."""
    flavor_steps: tuple[FlavorStep, ...] = ()
    findings: tuple[AuditFinding, ...] = ()
    providers: int = 0
    """Providers that the configuration of the hosts says something about."""
    nova_wrong: int = 0
    """Those of nova's that do not carry what they should; they are never written."""
    contested: int = 0
    """Those that somebody else keeps changing back."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.steps or self.flavor_steps)

    @property
    def has_drift(self) -> bool:
        """Whether something is not as it should be, whoever can mend it."""
        return not self.is_empty or any(finding.kind.is_drift for finding in self.findings)

    @property
    def lines(self) -> Iterator[str]:
        """The plan as text, one line for each thing."""
        yield from map(str, (*self.steps, *self.flavor_steps, *self.findings))
