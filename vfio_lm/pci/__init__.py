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

"""The language of nova.conf ``[pci]``, as nova understands it; knows nothing of clients.

A module is imported when one of its names is first asked for: what only needs an address, such as
a hook that libvirt waits for, does not wait for oslo.config and jsonschema.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vfio_lm.pci.address import PciAddress
    from vfio_lm.pci.alias import Alias, AliasSpec, parse_aliases
    from vfio_lm.pci.device import Device, DeviceKind
    from vfio_lm.pci.device_spec import DeviceSpec, first_match, parse_device_specs
    from vfio_lm.pci.flavor import AliasRequest, parse_alias_requests
    from vfio_lm.pci.live_migratable import LiveMigratable
    from vfio_lm.pci.nova_conf import NovaConf, default_nova_conf_paths, read_nova_conf
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
    "default_nova_conf_paths",
    "first_match",
    "parse_alias_requests",
    "parse_aliases",
    "parse_device_specs",
    "read_nova_conf",
]

# A name here must not be a module's, too: importing the module would put it in the name's place.
_MODULES = {
    "Alias": "alias",
    "AliasRequest": "flavor",
    "AliasSpec": "alias",
    "Device": "device",
    "DeviceKind": "device",
    "DeviceSpec": "device_spec",
    "LiveMigratable": "live_migratable",
    "NovaConf": "nova_conf",
    "NovaRelease": "release",
    "PciAddress": "address",
    "default_nova_conf_paths": "nova_conf",
    "first_match": "device_spec",
    "parse_alias_requests": "flavor",
    "parse_aliases": "alias",
    "parse_device_specs": "device_spec",
    "read_nova_conf": "nova_conf",
}


if not TYPE_CHECKING:  # or mypy would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value
