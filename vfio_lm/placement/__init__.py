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

"""What placement knows: providers, allocations, candidates; not what nova makes of them."""

from vfio_lm.placement.alias_traits import Meaning, flavor_traits, meaning
from vfio_lm.placement.candidate_query import CandidateQuery, RequestGroup
from vfio_lm.placement.client import PlacementClient
from vfio_lm.placement.model import (
    Candidate,
    Candidates,
    Inventory,
    Marking,
    Provider,
    Tree,
    pci_provider_name,
)

__all__ = [
    "Candidate",
    "CandidateQuery",
    "Candidates",
    "Inventory",
    "Marking",
    "Meaning",
    "PlacementClient",
    "Provider",
    "RequestGroup",
    "Tree",
    "flavor_traits",
    "meaning",
    "pci_provider_name",
]
