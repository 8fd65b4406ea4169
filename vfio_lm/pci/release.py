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

"""Releases of nova that live migrate VFIO devices, and how they differ; not which one runs."""

from __future__ import annotations

import enum


class NovaRelease(enum.Enum):
    """A release of OpenStack, by the name its operators use."""

    R2025_1 = "2025.1"
    """Nova 31."""
    R2025_2 = "2025.2"
    """Nova 32."""
    R2026_1 = "2026.1"
    """Nova 33."""
    R2026_2 = "2026.2"
    """Nova 34."""

    @property
    def reports_live_migratable(self) -> bool:
        """Whether ``live_migratable`` alone puts HW_PCI_LIVE_MIGRATABLE on a PCI provider.

        Since nova 34, and with it OWNER_NOVA. On older ones the ``traits`` tag has to say so,
        as nova-compute removes what others put there.
        """
        return self is NovaRelease.R2026_2

    @property
    def knows_one_time_use(self) -> bool:
        """Whether ``one_time_use`` is more than a tag without meaning; since nova 32."""
        return self is not NovaRelease.R2025_1
