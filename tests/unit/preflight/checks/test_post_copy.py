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

"""What the checks of post-copy answer."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import NOW, conf, facts
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.preflight import Host, Status
from vfio_lm.preflight.checks import post_copy


class TestPostCopy(CheckTestCase):
    check = post_copy.post_copy_off[0]

    def told(self, **changes):
        return facts(hosts={"compute1": Host(**changes)})

    def test_answers(self):
        self.assert_answers(Status.UNKNOWN)
        self.assert_answers(Status.PASS, self.told(conf=conf()))
        self.assert_answers(Status.FAIL, self.told(conf=conf(permit_post_copy=True)))
        told = HostFacts(host="compute1", taken_at=NOW, permits_post_copy=True)
        self.assert_answers(Status.FAIL, self.told(facts=told))
