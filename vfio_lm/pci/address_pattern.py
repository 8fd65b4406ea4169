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

"""The ``address`` of a device specification: a glob, or regular expressions; not one address."""

from __future__ import annotations

import dataclasses
import re
from typing import cast

from vfio_lm.pci.address import FIELDS, AddressError, PciAddress, field_text, format_fields

ANY = "*"
ANY_REGEX = ".*"


@dataclasses.dataclass(frozen=True)
class AddressPattern:
    """What each field of a device's address has to look like."""

    domain: str
    bus: str
    slot: str
    function: str

    @property
    def fields(self) -> tuple[str, str, str, str]:
        """The patterns in the order of :data:`vfio_lm.pci.address.FIELDS`."""
        return self.domain, self.bus, self.slot, self.function

    def matches(self, address: PciAddress, parent: PciAddress | None = None) -> bool:
        """Whether the pattern means the device at an address.

        A pattern that is the address of a PF means its VFs as well.

        Source: ``nova/pci/devspec.py`` ``WhitelistPciAddress`` (nova 34.0.0), which asks sysfs
        whether the pattern is the address of a PF. Here the device answers: the function that
        it names as its parent is one.

        :param parent: the PF of a VF
        """
        if parent is not None and format_fields(*self.fields) == str(parent):
            return True
        pairs = zip(FIELDS, address.fields)
        return all(self.takes(name, value) for name, value in pairs)

    def takes(self, field: str, value: str) -> bool:
        """Whether a canonical value of one field, for example of ``bus``, fits."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class AddressGlob(AddressPattern):
    """Each field is a number or ``*``. Source: ``PciAddressGlobSpec`` (nova 34.0.0)."""

    def takes(self, field: str, value: str) -> bool:
        """Whether the field is this value or a wildcard."""
        return getattr(self, field) in (ANY, value)


@dataclasses.dataclass(frozen=True)
class AddressRegex(AddressPattern):
    """Each field is a regular expression. Source: ``PciAddressRegexSpec`` (nova 34.0.0)."""

    def takes(self, field: str, value: str) -> bool:
        """Whether the value begins with what the expression describes."""
        return re.match(getattr(self, field), value) is not None


ANY_ADDRESS = AddressGlob(ANY, ANY, ANY, ANY)


def parse_address_pattern(value: object) -> AddressPattern:
    """Read the ``address`` of a device specification with nova's rules.

    Source: ``nova/pci/devspec.py`` ``PciAddressGlobSpec`` and ``PciAddressRegexSpec``
    (nova 34.0.0).

    :param value: a glob such as ``0000:25:00.*``, where fields may be left out from the left, or
        a dict of regular expressions, where a field that is left out matches everything
    :raises AddressError: if nova would refuse it
    """
    if isinstance(value, str):
        return _parse_glob(value)
    if isinstance(value, dict):
        return _parse_regex(value)
    raise AddressError(value, "is neither a text nor an object of regular expressions")


def _parse_glob(text: str) -> AddressGlob:
    rest, _, function = text.partition(".")
    written = rest.split(":") if rest else []
    if len(written) > len(FIELDS) - 1:
        raise AddressError(text, "has more than the fields domain, bus and slot before the '.'")
    # ":00." is slot 00 on any bus: fields are missing from the left.
    missing = [ANY] * (len(FIELDS) - 1 - len(written))
    globs = [*missing, *(field.strip() or ANY for field in written)]
    globs.append(function.strip() if function else ANY)
    try:
        fields = [
            glob if glob == ANY else field_text(name, glob) for name, glob in zip(FIELDS, globs)
        ]
    except ValueError as exc:
        raise AddressError(text, str(exc)) from None
    return AddressGlob(*fields)


def _parse_regex(fields: dict[str, object]) -> AddressRegex:
    regexes = [fields.get(name, ANY_REGEX) for name in FIELDS]
    for name, regex in zip(FIELDS, regexes):
        if not isinstance(regex, str):
            raise AddressError(fields, f"{name} is not a text")
        try:
            re.compile(regex)
        except (re.error, OverflowError, RecursionError) as exc:
            reason = f"{name} '{regex}' is not a regular expression: {exc}"
            raise AddressError(fields, reason) from None
    return AddressRegex(*cast("list[str]", regexes))
