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

"""What nova's API tells an administrator, and does for one; not what follows from it."""

from vfio_lm.nova_api.client import ComputeClient, only_one
from vfio_lm.nova_api.migration_model import (
    ActionEvent,
    Amount,
    Migration,
    OwnServer,
    Progress,
    ServerAction,
)
from vfio_lm.nova_api.migrations import MigrationClient
from vfio_lm.nova_api.model import (
    PCI_VNIC_TYPES,
    CloudFlavor,
    ComputeNode,
    ComputeService,
    Flavor,
    Microversion,
    NewFlavor,
    Server,
)
from vfio_lm.nova_api.scheduling import SchedulingClient
from vfio_lm.nova_api.scheduling_model import Aggregate, Move, ServerGroup

__all__ = [
    "ActionEvent",
    "Aggregate",
    "Amount",
    "CloudFlavor",
    "ComputeClient",
    "ComputeNode",
    "ComputeService",
    "Flavor",
    "Microversion",
    "Migration",
    "MigrationClient",
    "Move",
    "NewFlavor",
    "OwnServer",
    "PCI_VNIC_TYPES",
    "Progress",
    "SchedulingClient",
    "Server",
    "ServerAction",
    "ServerGroup",
    "only_one",
]
