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

"""A PF whose VFs have different tags: nova then serves no alias on its host, and we say so."""

from __future__ import annotations

from tests.cloud import HostSpec
from tests.functional.base import ALIAS_YES, YES, CloudTestCase
from tests.functional.host_knowledge import knowledge
from vfio_lm.preflight import Status, Verdict

_HELD = YES | {"managed": "no"}


class TestDifferingVfs(CloudTestCase):
    hosts = (
        HostSpec("compute1", bus=0x81, device_specs=(YES,)),
        HostSpec(
            "compute2",
            bus=0x82,
            device_specs=(_HELD | {"address": "0000:82:00.1"}, YES),
        ),
    )
    aliases = (ALIAS_YES,)

    def test_the_host_is_blocked_until_they_have_the_same_tags(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        known = knowledge(self.cloud, self.hosts, [server])
        report = self.check(server, hosts=known)
        self.assertIs(Verdict.BLOCKED, report.verdict, report.to_dict())
        (failed,) = (each for each in report.all_checks if each.status is Status.FAIL)
        self.assertEqual(("destination-devices", "compute2"), (failed.id, failed.host))
        self.assertIn("same tags in [pci]device_spec on compute2", failed.remedy)
        self.assertIsNone(self.live_migrate(server))

        alike = HostSpec("compute2", bus=0x82, device_specs=(YES,))
        self.cloud.restart_host("compute2", alike)
        self.addCleanup(self.cloud.restart_host, "compute2", self.hosts[1])
        known = knowledge(self.cloud, (self.hosts[0], alike), [server])
        self.assertIs(Verdict.READY, self.check(server, hosts=known).verdict)
        self.assertEqual("compute2", self.live_migrate(server))
