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

"""The tab Devices."""

from __future__ import annotations

from tests.horizon.base import PanelTestCase, fleet
from tests.unit.inventory import cloud
from vfio_lm.errors import CloudError
from vfio_lm.inventory.host import hosts

ADDRESS = "0000:81:00.0"
CLAIMED = cloud.MARKED | {"OWNER_CYBORG"}


class DevicesTest(PanelTestCase):
    def test_each_device_is_a_row_with_its_units_and_what_it_declares(self) -> None:
        self.answer(
            hosts=fleet(
                cloud.device("compute1", used=1),
                cloud.device("compute2", traits=cloud.UNMARKED),
                cloud.device("compute3", traits=cloud.SILENT),
                cloud.device("compute4", traits=CLAIMED),
            )
        )
        self.assertEqual(
            [
                ["compute1", ADDRESS, cloud.VF, "4", "1", "3", "Yes", "No"],
                ["compute2", ADDRESS, cloud.VF, "4", "0", "4", "No", "No"],
                ["compute3", ADDRESS, cloud.VF, "4", "0", "4", "Unknown", "No"],
                ["compute4", ADDRESS, cloud.VF, "4", "0", "4", "Yes", "Yes"],
            ],
            self.rows(self.page("devices"), "devices"),
        )

    def test_the_filter_looks_at_all_pages_and_stays_in_their_addresses(self) -> None:
        self.answer(hosts=fleet(*(cloud.device(f"compute{n}") for n in range(100))))
        response = self.page("devices", {"devices_q": "COMPUTE7", "devices_page": "1"})
        self.assertEqual(
            ["compute7", *(f"compute{n}" for n in range(70, 80))],
            [row[0] for row in self.rows(response, "devices")],
        )
        many = self.page("devices", {"devices_q": "compute"})
        self.assert_says(
            many, "?tab=vfio_live_migration__devices&amp;devices_q=compute&amp;devices_page=2"
        )

    def test_a_page_that_does_not_exist_is_the_last_one_or_the_first(self) -> None:
        self.answer(hosts=fleet(*(cloud.device(f"compute{n:02}") for n in range(45))))
        for wanted, first in (("99", "compute40"), ("0", "compute00"), ("x", "compute00")):
            rows = self.rows(self.page("devices", {"devices_page": wanted}), "devices")
            self.assertEqual(first, rows[0][0], wanted)

    def test_a_service_that_does_not_answer_is_said_and_is_no_empty_list(self) -> None:
        self.answer(
            hosts=hosts({"compute1": cloud.service("compute1")}, {}, None),
            gaps=(CloudError("placement cannot be reached: <refused>"),),
        )
        response = self.page("devices")
        self.assert_says(response, "placement cannot be reached: &lt;refused&gt;", "Not known.")

    def test_tabs_that_are_not_open_ask_nothing(self) -> None:
        self.answer(hosts=AssertionError("hosts"), servers=AssertionError("servers"), uses=((), {}))
        self.assertEqual(200, self.page("aliases").status_code)
