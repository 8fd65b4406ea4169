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

"""What a correction is: a function of nova's, how to see that it is wrong, and another one."""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Callable
from typing import Any


class TrialResult(enum.Enum):
    """What was found of nova's function, and done about it; the value is for the log."""

    RIGHT = "does not have the fault, and stays as it is"
    CORRECTED = "had the fault, and was corrected"
    UNKNOWN = (
        "is not a function that this release of vfio-lm knows, and stays as it is: whether it has "
        "the fault is not known"
    )


@dataclasses.dataclass(frozen=True)
class Correction:
    """How one fault of nova's is corrected.

    :ivar name: for operators and the log
    :ivar fault: what nova does wrong, in a sentence without its end
    :ivar module: the module of nova's that the function is in
    :ivar function: its name in the module, with that of its class
    :ivar faulty: the fingerprints of the functions that have the fault; None: any that the trial
        finds wrong, as the replacement is the whole function
    :ivar is_right: the trial; it may raise whatever it likes with a function that is not known
    :ivar corrected: makes the replacement from nova's function
    """

    name: str
    fault: str
    module: str
    function: str
    faulty: frozenset[str] | None
    is_right: Callable[[Any], bool]
    corrected: Callable[[Any], Any]

    def apply(self, module: types.ModuleType) -> TrialResult:
        """Try nova's function, and put another one in its place if it has the fault.

        :param module: nova's module
        """
        import logging

        outcome = self._apply(module)
        level = logging.WARNING if outcome is TrialResult.UNKNOWN else logging.INFO
        logging.getLogger(__name__).log(
            level,
            "vfio-lm correction %s: %s.%s %s. The fault: %s.",
            self.name,
            self.module,
            self.function,
            outcome.value,
            self.fault,
        )
        return outcome

    def _apply(self, module: types.ModuleType) -> TrialResult:
        path, _, name = self.function.rpartition(".")
        owner: Any = module
        for part in filter(None, path.split(".")):
            owner = getattr(owner, part, None)
        function = getattr(owner, name, None)
        if function is None:
            return TrialResult.UNKNOWN
        is_right = self._tried(function)
        if is_right is not False:
            return TrialResult.RIGHT if is_right else TrialResult.UNKNOWN
        if not self._is_known(function):
            return TrialResult.UNKNOWN
        corrected = self.corrected(function)
        if not self._tried(corrected):
            return TrialResult.UNKNOWN
        setattr(owner, name, corrected)
        return TrialResult.CORRECTED

    def _tried(self, function: Any) -> bool | None:
        try:
            return self.is_right(function)
        except Exception:  # noqa: BLE001 - whatever a function does that is not known
            return None

    def _is_known(self, function: Any) -> bool:
        if self.faulty is None:
            return True
        import inspect

        from vfio_lm.inside_nova.fingerprint import fingerprint

        try:
            return fingerprint(inspect.getsource(function)) in self.faulty
        except (OSError, TypeError):
            return False
