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

"""Whether an agent can do its work, judged by its rounds; what follows from it is not decided here.

An agent that cannot leaves its hosts to others. It comes back when it can read all that its work
needs, but not before every other agent has had a round with the hosts: where only writing fails,
nothing shows that before there is something to write.
"""

from __future__ import annotations


class Ability:
    """What the rounds so far say; an agent is able until they say otherwise."""

    def __init__(self) -> None:
        self._failures = 0
        self._unable_since: float | None = None

    @property
    def is_able(self) -> bool:
        """Whether the agent can do its work."""
        return self._unable_since is None

    def note_failure(self, now: float, most: int) -> None:
        """Note a round that failed.

        :param now: seconds
        :param most: failures in a row after which the agent is unable
        """
        self._failures += 1
        if self.is_able and self._failures >= most:
            self._unable_since = now

    def note_success(self, now: float, pause: float) -> bool:
        """Note a round in which nothing went wrong.

        :param now: seconds
        :param pause: seconds that an agent which was unable lets pass
        :returns: whether the agent is able again since this round
        """
        self._failures = 0
        if self._unable_since is None or now - self._unable_since < pause:
            return False
        self._unable_since = None
        return True
