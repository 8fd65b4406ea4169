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

"""Changing a provider's traits without losing those of others; which ones is decided elsewhere.

Placement replaces all traits of a provider at once. Each write names the generation that was read
with the traits: somebody else's write in between makes placement refuse ours, and we look again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import tenacity

from vfio_lm.cloud.placement.http import PlacementHttp, detail
from vfio_lm.errors import CloudError, NotFoundError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

# Enough for eight others who write to the same provider all the time.
_ATTEMPTS = 12
_LONGEST_WAIT_SECONDS = 2.0

_WAIT = tenacity.wait_random_exponential(multiplier=0.02, max=_LONGEST_WAIT_SECONDS)


# Placement compares generations when a request comes in, and again when it writes. What it finds
# then it answers with 500, and takes the write back: handlers/trait.py does not catch
# ConcurrentUpdateDetected (placement 16.0.0). The text is that of the exception.
_LATE_CONFLICT = "Another thread concurrently updated the resource provider data"


class ConflictError(CloudError):
    """Others changed a provider each time that we were about to.

    :param conflicts: how often
    """

    def __init__(self, uuid: str, conflicts: int) -> None:
        super().__init__(
            f"somebody else changed resource provider '{uuid}' {conflicts} times while we were "
            f"about to; it is left for the next time"
        )
        self.conflicts = conflicts


class _StaleError(Exception):
    """The provider is not at the generation any more that was read."""


@dataclasses.dataclass(frozen=True, slots=True)
class TraitSet:
    """All traits of a provider, at one generation of it."""

    generation: int
    traits: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """How a change ended."""

    has_changed: bool
    """False where the provider was as it shall be, or writing was not allowed."""
    conflicts: int
    """Refusals before, because somebody else was faster."""
    was_allowed: bool = True
    """False where a write was needed and ``writing`` said no."""


class TraitWriter:
    """Changes traits of providers; may be used from several threads.

    :param adapter: a keystoneauth adapter of the placement service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = PlacementHttp(adapter)

    def create_trait(self, trait: str) -> None:
        """Make placement know a custom trait; that it does already is no error.

        :raises CloudError: if placement does not answer, or refuses
        """
        self._http.send("PUT", f"/traits/{trait}")

    def read(self, uuid: str) -> TraitSet:
        """Return the traits of a provider as they are now.

        :raises NotFoundError: if there is no such provider any more
        :raises CloudError: if placement does not answer, or refuses
        """
        response = self._http.send("GET", _path(uuid), accept=(404,))
        if response.status_code == 404:
            raise NotFoundError(f"placement knows no resource provider '{uuid}'")
        body = self._http.body(response)
        return TraitSet(
            generation=body["resource_provider_generation"], traits=frozenset(body["traits"])
        )

    def change(
        self,
        uuid: str,
        change: Callable[[frozenset[str]], frozenset[str]],
        *,
        writing: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True),
    ) -> Written:
        """Change the traits of a provider; where others write at the same time, look again.

        :param change: returns the traits that the provider shall have, from those that it has
        :param writing: entered around each write; yields whether to write
        :raises NotFoundError: if there is no such provider any more
        :raises ConflictError: if others were faster each time
        :raises CloudError: if placement does not answer, or refuses
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_StaleError),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=_WAIT,
            # What writing() itself may raise of tenacity's is none of this.
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    conflicts = attempt.retry_state.attempt_number - 1
                    return self._try(uuid, change, writing, conflicts)
        except _StaleError:
            raise ConflictError(uuid, _ATTEMPTS) from None
        raise AssertionError("tenacity ends with a result or an error")

    def _try(
        self,
        uuid: str,
        change: Callable[[frozenset[str]], frozenset[str]],
        writing: Callable[[], AbstractContextManager[bool]],
        conflicts: int,
    ) -> Written:
        now = self.read(uuid)
        wanted = change(now.traits)
        if wanted == now.traits:
            return Written(has_changed=False, conflicts=conflicts)
        with writing() as may_write:
            if not may_write:
                return Written(has_changed=False, conflicts=conflicts, was_allowed=False)
            self._replace(uuid, TraitSet(generation=now.generation, traits=wanted))
        return Written(has_changed=True, conflicts=conflicts)

    def _replace(self, uuid: str, wanted: TraitSet) -> None:
        response = self._http.send(
            "PUT",
            _path(uuid),
            json={
                "resource_provider_generation": wanted.generation,
                "traits": sorted(wanted.traits),
            },
            accept=(404, 409, 500),
        )
        if response.status_code == 404:
            raise NotFoundError(f"placement knows no resource provider '{uuid}'")
        if response.ok:
            return
        if response.status_code == 409 or _LATE_CONFLICT in detail(response):
            raise _StaleError
        raise self._http.refusal(response)


def _path(uuid: str) -> str:
    return f"/resource_providers/{uuid}/traits"
