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

"""What services answer, as plain data; how it is asked for is elsewhere."""

from vfio_lm.cloud.model.candidate_query import CandidateQuery, RequestGroup
from vfio_lm.cloud.model.migration import (
    ActionEvent,
    Amount,
    Migration,
    OwnServer,
    Progress,
    ServerAction,
)
from vfio_lm.cloud.model.network import (
    PCI_VNIC_TYPES,
    Network,
    NetworkAgent,
    Port,
    PortKind,
    PortResources,
    Segment,
)
from vfio_lm.cloud.model.nova import (
    CloudFlavor,
    ComputeNode,
    ComputeService,
    Flavor,
    Microversion,
    NewFlavor,
    Server,
)
from vfio_lm.cloud.model.placement import (
    Candidate,
    Candidates,
    Inventory,
    Marking,
    Provider,
    Tree,
    pci_provider_name,
)
from vfio_lm.cloud.model.scheduling import Aggregate, Move, ServerGroup, ServerHistory
from vfio_lm.cloud.model.topology import GuestNode, ServerTopology
from vfio_lm.cloud.model.volume import Volume

__all__ = [
    "ActionEvent",
    "Aggregate",
    "Amount",
    "Candidate",
    "CandidateQuery",
    "Candidates",
    "CloudFlavor",
    "ComputeNode",
    "ComputeService",
    "Flavor",
    "GuestNode",
    "Inventory",
    "Marking",
    "Microversion",
    "Migration",
    "Move",
    "Network",
    "NetworkAgent",
    "NewFlavor",
    "OwnServer",
    "PCI_VNIC_TYPES",
    "Port",
    "PortKind",
    "PortResources",
    "Progress",
    "Provider",
    "RequestGroup",
    "Segment",
    "Server",
    "ServerAction",
    "ServerGroup",
    "ServerHistory",
    "ServerTopology",
    "Tree",
    "Volume",
    "pci_provider_name",
]
