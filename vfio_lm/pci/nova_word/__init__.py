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

"""Nova's own word about live migrations, and what nova stored, as data; not how nova is asked.

``vfio-lm-nova`` and the filter of nova-api write it, from nova's environment; the preflight reads
it. It also runs on Python 3.9, beside nova 31.
"""

from vfio_lm.pci.nova_word.model import (
    Decider,
    Ending,
    NovaAnswer,
    NovaDestination,
    NovaWord,
    Objection,
    Omission,
)
from vfio_lm.pci.nova_word.reading import NovaWordError, parse_nova_word, read_nova_word
from vfio_lm.pci.nova_word.stored import (
    DevicePool,
    HostCell,
    PageCount,
    ServerCell,
    StoredDevice,
    StoredHost,
    StoredRequest,
    StoredServer,
)
from vfio_lm.pci.nova_word.writing import VERSION, to_json

__all__ = [
    "VERSION",
    "Decider",
    "DevicePool",
    "Ending",
    "HostCell",
    "NovaAnswer",
    "NovaDestination",
    "NovaWord",
    "NovaWordError",
    "Objection",
    "Omission",
    "PageCount",
    "ServerCell",
    "StoredDevice",
    "StoredHost",
    "StoredRequest",
    "StoredServer",
    "parse_nova_word",
    "read_nova_word",
    "to_json",
]
