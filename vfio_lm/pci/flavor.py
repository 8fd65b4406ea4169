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

"""The flavor extra spec ``pci_passthrough:alias``; whether the aliases exist is asked elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from vfio_lm.pci.alias import AliasError

ALIAS_EXTRA_SPEC = "pci_passthrough:alias"


@dataclasses.dataclass(frozen=True)
class AliasRequest:
    """A number of devices of one alias."""

    alias: str
    count: int


def can_be_requested(alias: str) -> bool:
    """Whether a flavor can ask for an alias of this name.

    The extra spec takes names apart at ``:`` and ``,`` and drops the blanks around them.
    """
    try:
        found = parse_alias_requests({ALIAS_EXTRA_SPEC: f"{alias}:1"})
    except AliasError:
        return False
    return found == (AliasRequest(alias, 1),)


def parse_alias_requests(extra_specs: Mapping[str, str]) -> tuple[AliasRequest, ...]:
    """Return what a flavor asks for, for example ``vf:2, nic:1``.

    Source: ``nova/pci/request.py`` ``_translate_alias_to_requests`` (nova 34.0.0).

    :raises AliasError: if the extra spec is not of the form ``NAME:COUNT[,NAME:COUNT…]``
    """
    text = extra_specs.get(ALIAS_EXTRA_SPEC)
    if text is None:
        return ()
    requests = []
    for item in text.split(","):
        try:
            name, count = item.split(":")
            requests.append(AliasRequest(alias=name.strip(), count=int(count)))
        except ValueError:
            raise AliasError(
                f"flavor extra spec {ALIAS_EXTRA_SPEC}='{text}'",
                f"'{item.strip()}' is not of the form NAME:COUNT",
            ) from None
    return tuple(requests)
