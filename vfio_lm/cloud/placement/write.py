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
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from vfio_lm.cloud.http.endpoint import Endpoint, path
from vfio_lm.cloud.http.failure import answered_detail, refusal
from vfio_lm.cloud.http.shape import Fields, listed, text, whole
from vfio_lm.cloud.placement.client import MICROVERSION
from vfio_lm.errors import CloudError, NotFoundError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

# Enough for eight others who write to the same provider all the time.
_ATTEMPTS = 12
_SHORTEST_WAIT_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 2.0

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
            f"resource provider '{uuid}' was changed by another client {conflicts} times in a row "
            f"before our write; it will be retried in the next round"
        )
        self.conflicts = conflicts


class _StaleError(Exception):
    """The provider is not at the generation any more that was read."""


@dataclasses.dataclass(frozen=True)
class TraitSet:
    """All traits of a provider, at one generation of it."""

    generation: int
    traits: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Written:
    """How a change ended."""

    has_changed: bool
    """False where the provider was right already, or writing was not allowed."""
    conflicts: int
    """Refusals before, because somebody else was faster."""
    was_allowed: bool = True
    """False where a write was needed and ``writing`` said no."""


class TraitWriter:
    """Changes traits of providers; may be used from several threads.

    :param adapter: a keystoneauth adapter of the placement service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = Endpoint("placement", adapter, MICROVERSION)

    def create_trait(self, trait: str) -> None:
        """Make placement know a custom trait; that it does already is no error.

        :raises CloudError: if placement does not answer, or refuses
        """
        self._http.send("PUT", path("traits", trait), expected=(201, 204))

    def read(self, uuid: str) -> TraitSet:
        """Return the traits of a provider as they are now.

        :raises NotFoundError: if there is no such provider any more
        :raises CloudError: if placement does not answer, or refuses
        """
        found = self._http.find(_path(uuid), _trait_set)
        if found is None:
            raise NotFoundError(f"placement knows no resource provider '{uuid}'")
        return found

    def change(
        self,
        uuid: str,
        change: Callable[[frozenset[str]], frozenset[str]],
        *,
        writing: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True),
    ) -> Written:
        """Change the traits of a provider; where others write at the same time, look again.

        :param change: takes the traits that the provider has, and returns those that it should have
        :param writing: entered around each write; yields whether to write
        :raises NotFoundError: if there is no such provider any more
        :raises ConflictError: if others were faster each time
        :raises CloudError: if placement does not answer, or refuses
        """
        for conflicts in range(_ATTEMPTS):
            try:
                return self._try(uuid, change, writing, conflicts)
            except _StaleError:
                if conflicts + 1 < _ATTEMPTS:
                    longest = min(_SHORTEST_WAIT_SECONDS * 2**conflicts, _LONGEST_WAIT_SECONDS)
                    time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
        raise ConflictError(uuid, _ATTEMPTS)

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
            expected=(200, 404, 409, 500),
        )
        if response.status_code == 404:
            raise NotFoundError(f"placement knows no resource provider '{uuid}'")
        if response.status_code == 200:
            return
        if response.status_code == 409 or _LATE_CONFLICT in answered_detail(response):
            raise _StaleError
        raise refusal("placement", response)


def _path(uuid: str) -> str:
    return path("resource_providers", uuid, "traits")


def _trait_set(body: Fields) -> TraitSet:
    return TraitSet(
        generation=body("resource_provider_generation", whole),
        traits=frozenset(body("traits", listed(text))),
    )
