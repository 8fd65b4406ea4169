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

"""An explanation reads as a page, on any terminal."""

import os
from unittest import mock

import testtools

from osc_vfio_lm.migration import explanation_text
from tests.unit.migration.records import SERVER, action, failed, migration
from vfio_lm.migration import Attempt, explain
from vfio_lm.migration.causes import Words

CLAIM = (
    "PCI device request InstancePCIRequests(created_at=<?>,deleted=<?>,instance_uuid=54d230f3-d8b5-"
    "4d7c-8ad4-43033325152b,requests=[InstancePCIRequest(alias_name='vf',count=1,is_new=<?>,numa_po"
)
QEMU = (
    "Live Migration failure: internal error: unable to execute QEMU command 'migrate': "
    "0000:81:00.1: VFIO migration is not supported in kernel"
)


class PageTestCase(testtools.TestCase):
    def page(self, *details, columns=80, log=(), vm_state="active", **record):
        server = mock.Mock(id=SERVER, vm_state=vm_state, power_state=1, host="compute1")
        server.name = "web"
        attempt = Attempt(
            migration=migration(**record),
            action=action(*map(failed, details)),
            log=tuple(Words(text, "nova-compute.log") for text in log),
        )
        with mock.patch.dict(os.environ, COLUMNS=str(columns)):
            return list(explanation_text.page(server, explain(attempt)))


class TestPage(PageTestCase):
    def test_what_happened_why_and_what_to_do(self):
        page = self.page(log=[QEMU])
        self.assertEqual(
            [
                f"The live migration of server web ({SERVER}) from",
                "  compute1 to compute2 failed.",
                "  migration 7, status error, of 2026-11-24 04:08:05 UTC",
                "",
                "Why:",
                "  certain: the VF at the source is bound to a driver that cannot migrate it,",
                "    such as vfio-pci (check host-drivers)",
                "    nova-compute.log: Live Migration failure: internal error: unable to execute",
                "      QEMU command 'migrate': 0000:81:00.1: VFIO migration is not supported in",
                "      kernel",
                "",
                "What to do:",
                "  bind the VF to its variant driver on the source, and start the server again:",
                "  vfio-lm-host probe shows the drivers",
            ],
            page,
        )

    def test_no_object_of_pythons_is_shown(self):
        page = "\n".join(self.page(CLAIM))
        self.assertIn("on controller: PCI device request …", page)
        self.assertIn("certain: the destination had no free device", page)
        self.assertNotIn("created_at", page)

    def test_a_command_is_on_a_line_of_its_own_with_the_server(self):
        page = self.page("Unable to migrate instance (x) to current host (compute1).")
        self.assertIn("  choose another host:", page)
        self.assertIn(f"    openstack vfio migration start --host HOST {SERVER}", page)

    def test_it_fits_the_terminal(self):
        for columns in (60, 80, 160):
            for line in self.page(CLAIM, "the moon is full", log=[QEMU], columns=columns):
                self.assertLessEqual(len(line), columns)

    def test_where_nothing_is_known_the_words_are_shown(self):
        page = self.page("the moon is full")
        self.assertIn("  The cause is not known.", page)
        self.assertIn("the moon is full", " ".join(page))
        self.assertIn("Where to find more:", page)

    def test_a_server_in_error_has_its_way_back(self):
        page = self.page(log=[QEMU], vm_state="error")
        self.assertIn("The server is in ERROR:", page)
        self.assertIn(f"    openstack server set --auto-approve --state active {SERVER}", page)

    def test_a_good_end_is_two_lines(self):
        page = self.page(status="completed", columns=160)
        self.assertEqual(2, len(page))
        self.assertTrue(page[0].endswith("from compute1 to compute2 completed."))
