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

"""Doing what a plan says; what is to be done is worked out elsewhere.

A run may be killed at any moment: each write brings one provider or flavor from one right or
wrong state to its right one, and the next round works out again what is left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterable

import os_traits

from placement_sync.engine.plan import FlavorStep, Step
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.cloud.parallel import in_parallel
from vfio_lm.cloud.placement.write import ConflictError, TraitWriter
from vfio_lm.errors import CloudError, NotFoundError, VfioLmError
from vfio_lm.inventory.flavor import FlavorChange
from vfio_lm.inventory.write_flavor import apply_change

# Placement has workers for others as well.
_PARALLEL_WRITES = 4

_LOG = logging.getLogger(__name__)

#: Entered around each write, with the name of the root provider; yields whether to write. It may
#: be called from several threads at once, then for different providers.
Writing = Callable[[str], contextlib.AbstractContextManager[bool]]


@dataclasses.dataclass(frozen=True)
class StepResult:
    """How one step ended."""

    step: Step | None = None
    has_changed: bool = False
    is_settled: bool = False
    """Whether there is nothing left to do about it."""
    conflicts: int = 0
    error: VfioLmError | None = None


class Applier:
    """Carries out the steps of one plan; what fails is reported, not raised.

    After an error that has nothing to do with the one provider no further write is begun: the
    cloud is down or refuses us, and the next round begins from scratch.
    """

    def __init__(
        self, writer: TraitWriter, writing: Callable[[str], contextlib.AbstractContextManager[bool]]
    ) -> None:
        self._writer = writer
        self._writing = writing
        self._failed = threading.Event()

    def apply(self, steps: Iterable[Step]) -> tuple[StepResult, ...]:
        """Do all steps, several at a time, each provider once; return how each ended."""
        steps = tuple(steps)
        try:
            for trait in sorted({t for step in steps for t in step.add if os_traits.is_custom(t)}):
                self._writer.create_trait(trait)
        except CloudError as exc:
            return (StepResult(error=exc),)
        return tuple(in_parallel(self._apply_one, steps, at_once=_PARALLEL_WRITES))

    def _apply_one(self, step: Step) -> StepResult:
        if self._failed.is_set():
            return StepResult(step)
        try:
            written = self._writer.change(
                step.uuid, step.applied_to, writing=lambda: self._writing(step.host)
            )
        except NotFoundError:
            _LOG.info("provider %s is gone; nothing is written for it", step.provider)
            return StepResult(step, is_settled=True)
        except ConflictError as exc:
            return StepResult(step, conflicts=exc.conflicts, error=exc)
        except CloudError as exc:
            self._failed.set()
            return StepResult(step, error=exc)
        if written.has_changed:
            _LOG.info("wrote %s", step)
        return StepResult(
            step,
            has_changed=written.has_changed,
            is_settled=written.was_allowed,
            conflicts=written.conflicts,
        )


def apply_flavor(nova: ComputeClient, step: FlavorStep) -> bool:
    """Set what a flavor is to get, unless somebody did meanwhile.

    Nova has no guard against others who write at the same time, so the flavor is read again right
    before.

    :returns: whether the flavor was changed
    :raises CloudError: if nova does not answer, or refuses
    """
    try:
        now = nova.flavor(step.flavor.id)
    except NotFoundError:
        _LOG.info("flavor %s is gone; nothing is written for it", step.flavor.name)
        return False
    if now.flavor.extra_specs != step.flavor.flavor.extra_specs:
        _LOG.info("flavor %s was changed meanwhile; it is judged again", step.flavor.name)
        return False
    apply_change(nova, now, FlavorChange(set=step.set))
    _LOG.info("wrote %s", step)
    return True
