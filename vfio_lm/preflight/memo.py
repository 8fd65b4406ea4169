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

"""What rules have worked out and ask for again and again, kept as long as one survey."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import TypeVarTuple, Unpack

    _Arguments = TypeVarTuple("_Arguments")

_Result = TypeVar("_Result")


class Memo:
    """Results of pure functions; the facts of one survey share one.

    Without it every answer is the same, and takes longer.
    """

    def __init__(self) -> None:
        self._by_value: dict[Hashable, Any] = {}
        self._latest: dict[Callable[..., Any], tuple[tuple[object, ...], Any]] = {}
        self._by_owner: weakref.WeakKeyDictionary[object, dict[Hashable, Any]] = (
            weakref.WeakKeyDictionary()
        )

    def of(
        self, function: Callable[[Unpack[_Arguments]], _Result], *arguments: Unpack[_Arguments]
    ) -> _Result:
        """Return the result for these arguments, which are worth keeping: few, and looked up often.

        :param arguments: compared by their values
        """
        key = (function, arguments)
        found: _Result
        try:
            found = self._by_value[key]
        except KeyError:
            found = self._by_value[key] = function(*arguments)
        return found

    def latest(
        self, function: Callable[[Unpack[_Arguments]], _Result], *arguments: Unpack[_Arguments]
    ) -> _Result:
        """Return the result for these arguments, and forget that for others.

        For what many ask about one server and one destination before they go on to the next.

        :param arguments: compared by their identities
        """
        known = self._latest.get(function)
        if known is None or not all(map(operator.is_, known[0], arguments)):
            known = self._latest[function] = (arguments, function(*arguments))
        found: _Result = known[1]
        return found

    def about(self, owner: object) -> dict[Hashable, Any]:
        """Return what is kept about an object, which goes away with the object."""
        return self._by_owner.setdefault(owner, {})
