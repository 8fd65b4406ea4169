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

"""Asking a service many small questions, a few at a time; which questions is no matter here."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable
from typing import TypeVar

# keystoneauth keeps ten connections to a service.
_AT_ONCE = 8

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_parallel(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    at_once: int = _AT_ONCE,
    tell: Callable[[int], None] = lambda done: None,
) -> list[_Result]:
    """Apply a function that asks a service, a few at a time; the first error ends it.

    :param at_once: how many requests may be under way
    :param tell: called in this thread with the number of answers that are there
    :returns: the answers in the order of the questions
    """
    questions = tuple(items)
    if len(questions) < 2:
        at_once = 1
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        try:
            results = []
            for result in pool.map(function, questions):
                results.append(result)
                tell(len(results))
            return results
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
