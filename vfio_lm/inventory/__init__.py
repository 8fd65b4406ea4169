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

"""Devices, the servers that hold them, and the flavors that ask for them, of a whole cloud.

Not whether one server will live migrate: that is :mod:`vfio_lm.preflight`.
"""

from vfio_lm.inventory.alias import AliasUsage
from vfio_lm.inventory.collect import (
    OnGap,
    collect_alias_usage,
    collect_devices,
    collect_flavors,
    collect_hosts,
    collect_servers,
    collect_strays,
    find_device,
    find_flavor,
    list_servers,
    look_at_servers,
    plan_upgrade,
)
from vfio_lm.inventory.device import DeviceFilter, Holder, PciDevice
from vfio_lm.inventory.flavor import AliasUse, FlavorError, PciFlavor
from vfio_lm.inventory.host import HostInventory, HostMarking, Totals, totals
from vfio_lm.inventory.server import HeldDevice, PciServer
from vfio_lm.inventory.stray import Stray
from vfio_lm.inventory.upgrade import Action, UpgradeStep

__all__ = [
    "Action",
    "AliasUsage",
    "AliasUse",
    "DeviceFilter",
    "FlavorError",
    "HeldDevice",
    "Holder",
    "HostInventory",
    "HostMarking",
    "OnGap",
    "PciDevice",
    "PciFlavor",
    "PciServer",
    "Stray",
    "Totals",
    "UpgradeStep",
    "collect_alias_usage",
    "collect_devices",
    "collect_flavors",
    "collect_hosts",
    "collect_servers",
    "collect_strays",
    "find_device",
    "find_flavor",
    "list_servers",
    "look_at_servers",
    "plan_upgrade",
    "totals",
]
