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

"""What nova's live migration of PCI devices does wrong, and how a nova-compute does it right.

One module for each fault. A correction is tried when nova imports the module that it is for, and
is off where it does not know nova's function. Nothing here imports nova, or anything that nova
wants to import first: it chooses its kind of threads when it is imported.
"""

from __future__ import annotations

from vfio_lm.inside_nova.corrections import (
    claim_requests,
    ended_migration,
    pci_addresses,
    second_claim,
)
from vfio_lm.inside_nova.corrections.correction import Correction, TrialResult
from vfio_lm.inside_nova.corrections.watch import correct_when_imported

#: All of them, in the order in which nova comes to them in a live migration.
CORRECTIONS: tuple[Correction, ...] = (
    claim_requests.CORRECTION,
    second_claim.CORRECTION,
    pci_addresses.CORRECTION,
    ended_migration.CORRECTION,
)

NAMES = tuple(each.name for each in CORRECTIONS)

__all__ = ["CORRECTIONS", "NAMES", "Correction", "TrialResult", "correct_when_imported"]
