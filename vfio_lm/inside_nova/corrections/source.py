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

"""Nova's function with some of its lines replaced, and the function tried apart from nova."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any


def with_lines_replaced(function: Any, old: str, new: str) -> Any:
    """Return a function that differs from one of nova's in some lines.

    It sees the same module as the original. It is for functions that are known to the letter.

    :raises ValueError: if the lines are not there exactly once
    """
    import inspect
    import linecache
    import textwrap

    text = textwrap.dedent(inspect.getsource(function))
    if text.count(old) != 1:
        raise ValueError(f"{function.__qualname__} does not have the lines once that are replaced")
    text = text.replace(old, new)
    # Shown in tracebacks.
    name = f"<{function.__module__}.{function.__qualname__}, corrected by vfio-lm>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    found: dict[str, Any] = {}
    exec(compile(text, name, "exec"), function.__globals__, found)  # noqa: S102 - nova's own
    corrected = found[function.__name__]
    corrected.__qualname__ = function.__qualname__
    return corrected


def apart(function: Any, stand_ins: Mapping[str, Any]) -> Any:
    """Return a function with the same code that sees other things under some global names."""
    return types.FunctionType(
        function.__code__,
        {**function.__globals__, **stand_ins},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
