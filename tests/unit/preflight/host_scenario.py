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

"""Facts of the imagined cloud where placement knows no devices, and files of the hosts do."""

from __future__ import annotations

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import destination, facts, vf
from vfio_lm.preflight.facts import Occupants

#: The server of the scenario, and another one.
SERVER = "92d0d15e-7bb1-43fd-9bdc-c3dae57ae0d0"
OTHER = "11111111-2222-4333-8444-555555555555"


def there(*functions, specs=(scenario.SPEC_YES,), occupants=None, **changes):
    """Facts with one destination whose devices placement does not know."""
    told = scenario.knowledge("compute2", *functions, specs=specs, **changes)
    where = destination(
        providers=(),
        candidates=[scenario.candidate("compute2")],
        knowledge=told,
        occupants=Occupants({}) if occupants is None else occupants,
    )
    return facts(
        destinations=(where,),
        source={"devices": (), "knowledge": here(vf(user=SERVER))},
        pci_in_placement=False,
        hosts={"compute1": here(vf(user=SERVER)), "compute2": told},
    )


def here(*functions, **changes):
    return scenario.knowledge("compute1", *functions, **changes)
