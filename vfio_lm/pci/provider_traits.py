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

"""The traits that nova-compute reports of a PCI device; those in placement are read elsewhere."""

from __future__ import annotations

import os_traits

from vfio_lm.pci import names
from vfio_lm.pci.device_spec import DeviceSpec
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.release import NovaRelease


def reported_traits(spec: DeviceSpec, release: NovaRelease) -> frozenset[str]:
    """Return the traits of the provider of a device without parent, by its specification.

    Source: ``_get_traits_for_dev`` and ``PciResourceProvider.add_parent`` in
    ``nova/compute/pci_placement_translator.py`` (nova 34.0.0; the differences of earlier releases
    are those of nova 31.3.1, 32.2.1, 33.0.2).

    :raises AttributeError: if the ``traits`` tag is no string, as in nova-compute
    """
    traits = {*names.traits(spec.tags.get("traits")), os_traits.COMPUTE_MANAGED_PCI_DEVICE}
    if release.reports_live_migratable:
        traits.add(os_traits.OWNER_NOVA)
        if spec.live_migratable is LiveMigratable.YES:
            traits.add(os_traits.HW_PCI_LIVE_MIGRATABLE)
    if release.knows_one_time_use and spec.is_one_time_use:
        traits.add(names.ONE_TIME_USE)
    return frozenset(traits)
