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

"""One PCI address, and the only place that formats one; patterns of addresses are elsewhere."""

from __future__ import annotations

import dataclasses
import string

from vfio_lm.errors import VfioLmError

FIELDS = ("domain", "bus", "slot", "function")

# nova/pci/devspec.py MAX_DOMAIN, MAX_BUS, MAX_SLOT, MAX_FUNC (nova 34.0.0)
_LARGEST = {"domain": 0xFFFF, "bus": 0xFF, "slot": 0x1F, "function": 0x7}


class AddressError(VfioLmError):
    """A PCI address, or a pattern of addresses, that nova would refuse.

    :param value: the address as it was written
    :param reason: what is wrong with it
    """

    def __init__(self, value: object, reason: str) -> None:
        super().__init__(f"PCI address {value!r}: {reason}")
        self.value = value
        self.reason = reason


def hexadecimal(name: str, text: str, largest: int) -> str:
    """Return a hexadecimal number in lower case, with as many digits as the largest one has.

    Source: ``nova/pci/devspec.py`` ``PciAddressSpec._set_pci_dev_info`` (nova 34.0.0). Like nova
    it takes whatever Python takes, with a sign or blanks.

    :param name: what the number is, for the message
    :raises ValueError: if the text is no such number or the number is too large
    """
    try:
        number = int(text, 16)
    except ValueError:
        raise ValueError(f"{name} '{text}' is not a hexadecimal number") from None
    if number > largest:
        raise ValueError(f"{name} '{text}' is larger than {largest:X}")
    return f"{number:0{len(f'{largest:x}')}x}"


def field_text(name: str, text: str) -> str:
    """Return one field of an address as it stands in a canonical address.

    :param name: one of :data:`FIELDS`
    :raises ValueError: if the text is no hexadecimal number or is beyond nova's limit
    """
    return hexadecimal(name, text, _LARGEST[name])


def format_fields(domain: str, bus: str, slot: str, function: str) -> str:
    """Put the fields of an address, or of a pattern, together."""
    return f"{domain}:{bus}:{slot}.{function}"


@dataclasses.dataclass(frozen=True, order=True)
class PciAddress:
    """Where a PCI function sits on its host; its text is the canonical ``0000:81:00.1``."""

    domain: int
    bus: int
    slot: int
    function: int

    @classmethod
    def parse(cls, text: str) -> PciAddress:
        """Read a whole address; short and upper-case fields are taken, as nova takes them.

        Source: ``nova/pci/devspec.py`` ``PhysicalPciAddress`` (nova 34.0.0). Nova skips devices
        whose address it cannot read, for example those with a 32 bit domain.

        :raises AddressError: if the text is no address, or beyond nova's limits
        """
        rest, _, function = text.partition(".")
        written = (*rest.split(":"), function)
        if len(written) != len(FIELDS):
            raise AddressError(text, "is not of the form DOMAIN:BUS:SLOT.FUNCTION")
        try:
            pairs = zip(FIELDS, written)
            fields = [field_text(*pair) for pair in pairs]
        except ValueError as exc:
            raise AddressError(text, str(exc)) from None
        if not set("".join(fields)) <= set(string.hexdigits):
            raise AddressError(text, "has a negative field")
        return cls(*(int(field, 16) for field in fields))

    @property
    def fields(self) -> tuple[str, str, str, str]:
        """Domain, bus, slot and function as text, as they stand in the canonical address."""
        return (
            f"{self.domain:04x}",
            f"{self.bus:02x}",
            f"{self.slot:02x}",
            f"{self.function:x}",
        )

    def __str__(self) -> str:
        return format_fields(*self.fields)
