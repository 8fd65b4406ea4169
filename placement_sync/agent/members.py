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

"""What an agent asks of the group of agents that it belongs to, and an agent that is alone.

How a group keeps what is promised here: :mod:`placement_sync.agent.group`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class GroupView:
    """The group as one look found it."""

    members: int = 1
    """Agents that share the hosts."""
    is_member: bool = True
    """Whether this agent is one of them."""
    has_joined: bool = False
    """Whether it became one since the last look, so that others may have had its hosts before."""


class Members(Protocol):
    """The group of an agent.

    Each host belongs to exactly one member. A member that dies, or stops working, is no member
    any more after the backend's time-out, and its hosts, only its, move. A host is never written
    by two agents at once, also not while their views of the group differ.
    """

    def refresh(self, *, is_able: bool = True, valid_for: float = float("inf")) -> GroupView:
        """Look who is there.

        :param is_able: whether this agent can do its work; if not, it is a member only as long
            as no other agent is
        :param valid_for: seconds after which this agent has stopped working if it has not looked
            again; then it is no member any more
        :raises CoordinationError: if the backend does not answer
        """

    def owns(self, name: str) -> bool:
        """Say whether a host belongs to this agent, as of the last look.

        For an agent that is no member: whether the host would be its own if it were.
        """

    def writing(self, name: str) -> AbstractContextManager[bool]:
        """Be the only one who writes to a host while the context lasts; False: do not write.

        Nothing may be written for longer than :attr:`lock_seconds` after it is entered.
        """

    @property
    def lock_seconds(self) -> float:
        """How long a host is kept for one writer, whatever happens to it."""

    @property
    def is_alive(self) -> bool:
        """Whether membership and locks are kept alive as they should be."""

    @property
    def trouble(self) -> str:
        """Why :meth:`writing` said no since the last look; empty if it did not."""

    def leave(self) -> None:
        """Give up all hosts."""


class Alone:
    """An agent that shares nothing with others."""

    lock_seconds = float("inf")
    is_alive = True
    trouble = ""

    def refresh(self, *, is_able: bool = True, valid_for: float = float("inf")) -> GroupView:
        """Find no one else."""
        return GroupView()

    def owns(self, name: str) -> bool:
        """Say yes."""
        return True

    @contextmanager
    def writing(self, name: str) -> Iterator[bool]:
        """Allow it."""
        yield True

    def leave(self) -> None:
        """Do nothing."""
