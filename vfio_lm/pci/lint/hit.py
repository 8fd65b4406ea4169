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

"""What a rule of the linter finds, and how rules guess what was meant; no rule is in here."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable

from vfio_lm.pci.conf_text import Setting
from vfio_lm.pci.lint.configurations import Edit


@dataclasses.dataclass(frozen=True)
class Hit:
    """One place where a rule is broken."""

    label: str
    """Of the service."""
    setting: Setting | None
    """None where one is missing."""
    why: str
    """What nova makes of it, as a sentence without full stop."""
    replacement: Setting | Edit | None = None
    """What should stand there instead; None where only a human can know."""
    guess: str = ""
    """What the replacement takes for granted; said as long as it is proposed."""
    otherwise: Edit | None = None
    """What should stand there if nova would not take the replacement."""


def closest(word: str, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """Return the known word that was probably meant; case and blanks do not count."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.strip().lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None
