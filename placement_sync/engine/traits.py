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

"""The traits that this project keeps; all others on a provider belong to somebody else."""

from __future__ import annotations

from collections.abc import Iterable

import os_traits

from vfio_lm.pci.driver_traits import is_driver_trait

LIVE_MIGRATABLE = os_traits.HW_PCI_LIVE_MIGRATABLE
"""On a root: at least one device of the host is declared live migratable."""

NOT_LIVE_MIGRATABLE = str(os_traits.normalize_name("PCI_NOT_LIVE_MIGRATABLE"))
"""On a root: at least one device of the host is declared not live migratable."""


def is_ours(trait: str) -> bool:
    """Whether the trait may be removed from a provider that the configuration decides about."""
    return trait in (LIVE_MIGRATABLE, NOT_LIVE_MIGRATABLE) or is_driver_trait(trait)


def ours(traits: Iterable[str]) -> frozenset[str]:
    """Return those of the traits that are ours."""
    return frozenset(filter(is_ours, traits))
