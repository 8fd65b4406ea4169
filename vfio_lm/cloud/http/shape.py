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


"""Reading the JSON of an answer: a value has the type that was asked for, or the answer is refused.

An answer is read from the outside in, by kinds: a kind is a function that takes what stands in the
JSON and returns it with its type, or raises :class:`ShapeError`. Kinds are put together::

    def _aggregate(item: Fields) -> Aggregate:
        return Aggregate(name=item("name", text), hosts=frozenset(item("hosts", listed(text))))

    aggregates = Fields(answer)("aggregates", listed(record(_aggregate)))
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import TypeVar

from vfio_lm.iso_time import read_time

_T = TypeVar("_T")
_D = TypeVar("_D")

Kind = Callable[[object], _T]

# The services keep whole numbers in 64 bits.
_LARGEST = 2**63

_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class ShapeError(Exception):
    """A value is not what the API of the service promises.

    :param reason: what is wrong with it, for example ``is null, not a string``
    :param path: the keys and indexes that lead to it, from the outside in
    """

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def below(self, key: str | int) -> ShapeError:
        """Return the same error, as seen from the object or list around."""
        return ShapeError(self.reason, (key, *self.path))

    def __str__(self) -> str:
        where = "".join(map(_step, self.path)).removeprefix(".")
        return f"{where or 'the answer'} {self.reason}"


def _step(key: str | int) -> str:
    """Show one step of a path; a key from a garbled answer may hold anything."""
    return f".{key}" if isinstance(key, str) and key.isprintable() else f"[{key!r:.60}]"


class Fields:
    """The fields of one JSON object.

    :raises ShapeError: if the value is not an object
    """

    __slots__ = ("_values",)

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise _not(value, "an object")
        self._values = value

    def __contains__(self, name: str) -> bool:
        """Whether there is a field of that name, be it null."""
        return name in self._values

    def __call__(self, name: str, kind: Kind[_T]) -> _T:
        """Return a field that has to be there.

        :raises ShapeError: if it is missing, or not of the kind
        """
        if name not in self._values:
            raise ShapeError("is missing", (name,))
        try:
            return kind(self._values[name])
        except ShapeError as exc:
            raise exc.below(name) from None

    def get(self, name: str, kind: Kind[_T], default: _D) -> _T | _D:
        """Return a field that may be missing or null.

        Only where the API itself leaves it out: a field that is missing for another reason would
        be taken for an answer.

        :raises ShapeError: if it is there and not of the kind
        """
        return default if self._values.get(name) is None else self(name, kind)


def text(value: object) -> str:
    """Read a string; one that cannot be written as UTF-8, a lone surrogate, is refused."""
    if not isinstance(value, str):
        raise _not(value, "a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ShapeError("is not valid Unicode") from None
    return value


def flag(value: object) -> bool:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise _not(value, "a boolean")
    return value


def whole(value: object) -> int:
    """Read a whole number of at most 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _not(value, "a whole number")
    if not -_LARGEST <= value < _LARGEST:
        raise ShapeError("is a number of more than 64 bits")
    return value


def real(value: object) -> float:
    """Read a finite number."""
    if isinstance(value, float) and math.isfinite(value):
        return value
    return float(whole(value))


def utc(value: object) -> datetime.datetime:
    """Read a time; nova's are in UTC, whether they say so or not."""
    try:
        found = read_time(text(value))
        if found.tzinfo is None:
            return found.replace(tzinfo=datetime.timezone.utc)
        return found.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        raise ShapeError(f"is not a time: {value!r:.40}") from None


def anything(value: object) -> object:
    """Take a value as it is."""
    return value


def nullable(kind: Kind[_T]) -> Kind[_T | None]:
    """Return the kind of a value that may be null."""
    return lambda value: None if value is None else kind(value)


def record(make: Callable[[Fields], _T]) -> Kind[_T]:
    """Return the kind of an object that something is made of."""
    return lambda value: make(Fields(value))


def listed(kind: Kind[_T]) -> Kind[list[_T]]:
    """Return the kind of a list."""

    def read(value: object) -> list[_T]:
        if not isinstance(value, list):
            raise _not(value, "a list")
        found: list[_T] = []
        try:
            # In a loop, so that an error knows how far it came.
            for item in value:
                found.append(kind(item))  # noqa: PERF401
        except ShapeError as exc:
            raise exc.below(len(found)) from None
        return found

    return read


def mapped(kind: Kind[_T]) -> Kind[dict[str, _T]]:
    """Return the kind of an object whose field names are data, as UUIDs or extra specs are."""

    def read(value: object) -> dict[str, _T]:
        if not isinstance(value, dict):
            raise _not(value, "an object")
        found: dict[str, _T] = {}
        for name, item in value.items():
            text(name)
            try:
                found[name] = kind(item)
            except ShapeError as exc:
                raise exc.below(name) from None
        return found

    return read


def _not(value: object, wanted: str) -> ShapeError:
    return ShapeError(f"is {_NAMES.get(type(value), type(value).__name__)}, not {wanted}")
