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

"""What is started, and stopped again however the block ends; what that takes is elsewhere."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Lifetime(abc.ABC):
    """Something that is up in a ``with`` block."""

    @abc.abstractmethod
    def start(self) -> None:
        """Bring it up; what has started is taken down again if that fails."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Take it down; a second time does nothing."""

    def __enter__(self) -> Self:
        """Bring it up."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it down."""
        self.stop()
