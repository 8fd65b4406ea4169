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

"""The traits that name VFIO variant drivers; which host has one is not known here."""

from __future__ import annotations

import os_traits

DRIVER_PREFIX = str(os_traits.normalize_name("VFIO_DRIVER_"))


def driver_trait(driver: str) -> str:
    """Return the trait for a VFIO variant driver, for example of ``mlx5_vfio_pci``."""
    return str(os_traits.normalize_name(f"VFIO_DRIVER_{driver}"))


def is_driver_trait(trait: str) -> bool:
    """Whether the trait names a VFIO variant driver."""
    return trait.startswith(DRIVER_PREFIX)


def driver_traits(traits: frozenset[str]) -> frozenset[str]:
    """Return those of a host's traits that name VFIO variant drivers."""
    return frozenset(filter(is_driver_trait, traits))
