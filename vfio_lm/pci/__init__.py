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

"""The language of nova.conf ``[pci]``, as nova understands it; knows nothing of clients."""

from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.alias import Alias, AliasSpec, parse_aliases
from vfio_lm.pci.device import Device, DeviceKind
from vfio_lm.pci.device_spec import DeviceSpec, first_match, parse_device_specs
from vfio_lm.pci.flavor import AliasRequest, parse_alias_requests
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.matching import matching_devices
from vfio_lm.pci.nova_conf import NovaConf, default_nova_conf_paths, read_nova_conf
from vfio_lm.pci.placement_view import PlacementView, ReportedProvider, placement_view
from vfio_lm.pci.release import NovaRelease

__all__ = [
    "Alias",
    "AliasRequest",
    "AliasSpec",
    "Device",
    "DeviceKind",
    "DeviceSpec",
    "LiveMigratable",
    "NovaConf",
    "NovaRelease",
    "PciAddress",
    "PlacementView",
    "ReportedProvider",
    "default_nova_conf_paths",
    "first_match",
    "matching_devices",
    "parse_alias_requests",
    "parse_aliases",
    "parse_device_specs",
    "placement_view",
    "read_nova_conf",
]
