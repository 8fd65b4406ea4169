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

from vfio_lm.pci.alias import Alias, AliasSpec, parse_aliases
from vfio_lm.pci.flavor import AliasRequest, parse_alias_requests
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.nova_conf import NovaConf, read_nova_conf

__all__ = [
    "Alias",
    "AliasRequest",
    "AliasSpec",
    "LiveMigratable",
    "NovaConf",
    "parse_alias_requests",
    "parse_aliases",
    "read_nova_conf",
]
