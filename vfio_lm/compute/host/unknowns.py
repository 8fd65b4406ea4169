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

"""Why values of a host are not known; how they are found out is elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from vfio_lm.errors import VfioLmError

_T = TypeVar("_T")


class NotKnownError(VfioLmError):
    """A value is unknown; the text says why, and what would help."""


@dataclasses.dataclass
class Unknowns:
    """The reasons of what is not known, by the name of the value."""

    unknown: dict[str, str] = dataclasses.field(default_factory=dict)

    def take(self, name: str, find: Callable[[], _T]) -> _T | None:
        """Return what a function finds, or None after noting why it could not."""
        try:
            return find()
        except NotKnownError as exc:
            self.unknown[name] = str(exc)
            return None
