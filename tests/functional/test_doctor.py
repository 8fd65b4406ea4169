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

"""``openstack vfio doctor`` as a user types it: what it says of hosts, and what it costs."""

from __future__ import annotations

import re

from tests.cloud import HostSpec
from tests.functional.base import UNTAGGED, YES, CloudTestCase, Finished


class TestDoctor(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(UNTAGGED,)),
    )

    def look(self, *options: str) -> Finished:
        return self.openstack("vfio", "doctor", *options)

    def test_what_is_missing_is_named_with_what_to_do(self):
        done = self.look("--nova-conf", str(self.cloud.nova_conf()))
        self.assertEqual(2, done.status, done.errors)
        self.assertIn("nova.conf of nova-api: given", done.output)
        self.assertIn("facts of hosts: missing (--host-facts FOLDER)", done.output)
        self.assertIn("compute2: placement does not have its devices as live", done.output)
        self.assertIn("compute1: its drivers are unknown", done.output)

    def test_each_host_has_a_row_in_json(self):
        confs = [f"--nova-conf={host}={self.cloud.nova_conf(host)}" for host in self.host_names()]
        done = self.look("--nova-conf", str(self.cloud.nova_conf()), *confs, "-f", "json")
        rows = {row["Host"]: row for row in done.json()}
        said = {host: (row["Spec"], row["Trait"], row["Alias"]) for host, row in rows.items()}
        self.assertEqual({"compute1": ("yes", "yes", "yes"), "compute2": ("no", "no", "yes")}, said)
        self.assertIn("no [pci]device_spec declares", rows["compute2"]["First to Mend"])
        self.assertIn('"live_migratable": "yes"', rows["compute2"]["Remedy"])

    def host_names(self) -> list[str]:
        return [host.name for host in self.hosts]

    def test_without_a_source_it_is_unknown_or_worse(self):
        done = self.look("-f", "value", "-c", "Host", "-c", "Spec", "-c", "Driver")
        self.assertEqual(2, done.status, done.errors)
        self.assertEqual(
            ["compute1 unknown unknown", "compute2 unknown unknown"], done.output.splitlines()
        )

    def test_a_thousand_hosts_cost_no_more_requests_than_two(self):
        small = self.requests()
        self.assertLessEqual(len(small), 12, small)
        self.cloud.fill_placement(hosts=1000, pfs=4, vfs=8)
        self.addCleanup(self.cloud.empty_placement_filler)
        large = self.requests()
        self.assertEqual(len(small), len(large), large)

    def requests(self) -> list[str]:
        """Return the URLs that the command asked for after it got its token."""
        done = self.look("--debug", "-f", "value")
        urls = re.findall(r'REQ: curl .*?"?(http://[^\s"]+)', done.errors)
        identity = self.cloud.urls["keystone"].removesuffix("/v3")
        return [url for url in urls if not url.startswith(identity)]
