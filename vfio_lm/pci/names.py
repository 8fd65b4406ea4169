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

"""Names of resource classes and traits, normalised as nova does."""

from __future__ import annotations

import os_resource_classes
import os_traits

ONE_TIME_USE = "HW_PCI_ONE_TIME_USE"
"""The only trait typed by hand: os-traits 3.3.0, the one of OpenStack 2025.1, lacks it."""


def resource_class(requested: str | None, vendor_id: str | None, product_id: str | None) -> str:
    """Return the resource class of a PCI device in placement.

    Source: ``nova/compute/pci_placement_translator.py`` ``get_resource_class`` (nova 34.0.0).

    :param requested: the ``resource_class`` tag of an alias or device specification, if any
    :param vendor_id: four hexadecimal digits, used where no class is requested
    :param product_id: four hexadecimal digits, used where no class is requested
    """
    if not requested:
        return f"CUSTOM_PCI_{vendor_id}_{product_id}".upper()
    name = requested.upper()
    if name in os_resource_classes.STANDARDS or os_resource_classes.is_custom(name):
        return name
    return str(os_resource_classes.normalize_name(name))


def standard_traits() -> frozenset[str]:
    """Return the traits that are nova's to define, with those that an older os-traits lacks."""
    return frozenset(os_traits.get_traits()) | {ONE_TIME_USE}


def traits(text: str | None) -> frozenset[str]:
    """Return the traits that a comma separated ``traits`` tag stands for.

    Source: ``nova/compute/pci_placement_translator.py`` ``get_traits`` (nova 34.0.0). A name
    that is no standard trait becomes a custom one, whatever it looks like: ``!X`` turns into
    ``CUSTOM__X``, because nova cannot express forbidden traits here.
    """
    if not text:
        return frozenset()
    named = frozenset(text.split(","))
    standard = named & standard_traits()
    custom = (
        name if os_traits.is_custom(name) else os_traits.normalize_name(name)
        for name in (other.upper() for other in named - standard)
    )
    return standard | frozenset(custom)
