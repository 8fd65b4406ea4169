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

"""The three values of nova's ``live_migratable`` tag; not what a device can really do."""

from __future__ import annotations

import enum

from oslo_utils import strutils


class LiveMigratable(enum.Enum):
    """What an alias asks for, or what a device specification declares.

    Nova keeps three cases apart, so this is never a plain bool.
    """

    YES = "yes"
    """Devices declared live migratable (and, in an alias, no others)."""
    NO = "no"
    """Devices declared not live migratable; an undeclared device does not satisfy it."""
    UNSPECIFIED = "unspecified"
    """The tag is absent: any device will do, and the server cannot live migrate."""

    @classmethod
    def parse(cls, text: str | None) -> LiveMigratable:
        """Read the tag as nova does: strictly, with oslo.utils' words for yes and no.

        Source: ``nova/pci/request.py`` ``get_alias_from_config`` and ``nova/pci/devspec.py``
        ``PciDeviceSpec._normalize_device_spec_tags`` (nova 34.0.0).

        :param text: the tag's value, or None where the tag is absent
        :raises ValueError: if the text is no boolean-like word
        """
        if text is None:
            return cls.UNSPECIFIED
        return cls.YES if strutils.bool_from_string(text, strict=True) else cls.NO
