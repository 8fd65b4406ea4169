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

"""The fingerprint of a function of nova's: whether it is one that was looked at.

Made of the function's text without comments and blank lines, so that it is the same for every
Python and whether nova was imported or is only there as a file.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import textwrap
import types
from typing import Any

_DIGITS = 12


def fingerprint(text: str) -> str:
    """Return the fingerprint of the text of a function or class, decorators included."""
    lines = [line.rstrip() for line in textwrap.dedent(text).splitlines()]
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:_DIGITS]


def installed_fingerprint(name: str) -> str | None:
    """Return the fingerprint of a function of the nova that is installed.

    :param name: as ``nova.module:Class.function``
    :returns: None if there is no such function, or no text of it
    """
    try:
        return fingerprint(inspect.getsource(undecorated(find(name), name.rpartition(".")[2])))
    except (AttributeError, ImportError, OSError, TypeError):
        return None


def find(name: str) -> Any:
    """Return the function of a name as ``nova.module:Class.function``.

    :raises AttributeError: if the module has no such function
    :raises ImportError: if there is no such module
    """
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def undecorated(found: Any, name: str) -> Any:
    """Return the function of a name that decorators stand around, or what was found.

    Some leave no trace but their closure (oslo.messaging 18.3, ``expected_exceptions``).
    """
    found = inspect.unwrap(found)
    while isinstance(found, types.FunctionType) and found.__name__ != name:
        inner = [
            each.cell_contents
            for each in found.__closure__ or ()
            if isinstance(each.cell_contents, types.FunctionType)
        ]
        if len(inner) != 1:
            break
        found = inspect.unwrap(inner[0])
    return found
