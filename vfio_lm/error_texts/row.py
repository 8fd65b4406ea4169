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

"""One row of the table of error texts: a pattern, the cause, how certain it is, and the remedy."""

from __future__ import annotations

import dataclasses
import enum
import re


class Certainty(enum.Enum):
    """How sure a cause is."""

    CERTAIN = "certain"
    """The platform says so itself, about this very migration."""
    LIKELY = "likely"
    """Everything that was seen fits, and nothing better is known."""
    POSSIBLE = "possible"
    """It would explain what was seen, and so would other things."""


class Software(enum.Enum):
    """Whose words a text is."""

    NOVA = "nova"
    LIBVIRT = "libvirt"
    QEMU = "QEMU"
    KERNEL = "kernel"


@dataclasses.dataclass(frozen=True)
class ErrorText:
    """Words by which a cause is known."""

    id: str
    """Kebab case, stable, unique in the table."""
    software: Software
    pattern: re.Pattern[str]
    cause: str
    """A sentence without its full stop; ``{0}`` stands for the first group of the pattern."""
    remedy: str
    """What to do where nova runs the migration."""
    source: str
    """Where the words come from: file and function."""
    since: str
    """The first version that says it, or the oldest that was looked at; or ``not known``."""
    until: str
    """The last version that says it; empty if the newest version that was looked at does."""
    certainty: Certainty
    check: str
    """The check of the preflight that comes closest; empty if none covers it."""
    without_nova: str
    """What to do where ``vfio-lm-host migrate`` runs the migration."""
    is_fallback: bool
    """Whether it counts only where no other row is found."""
    is_state_lost: bool
    """Whether QEMU's log on the destination says with it that a state was not loaded."""

    def sentence(self, text: str) -> str:
        """Return the cause, with what the text itself names."""
        match = self.pattern.search(text)
        return self.cause.format(*match.groups() if match else ())


def row(
    id_: str,
    software: Software,
    pattern: str,
    cause: str,
    *,
    remedy: str,
    source: str,
    since: str,
    until: str = "",
    certainty: Certainty = Certainty.CERTAIN,
    check: str = "",
    without_nova: str = "",
    is_fallback: bool = False,
    is_state_lost: bool = False,
) -> ErrorText:
    """Return a row; the remedy without nova defaults to the other."""
    return ErrorText(
        id=id_,
        software=software,
        pattern=re.compile(pattern),
        cause=cause,
        remedy=remedy,
        source=source,
        since=since,
        until=until,
        certainty=certainty,
        check=check,
        without_nova=without_nova or remedy,
        is_fallback=is_fallback,
        is_state_lost=is_state_lost,
    )
