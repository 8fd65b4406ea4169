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

from tests.horizon.base import PanelTestCase, inventory_device
from tests.unit.inventory import cloud
from vfio_lm.errors import CloudError

DEVICES = (
    inventory_device(cloud.device("compute1", used=1), "compute1"),
    inventory_device(cloud.device("compute2", traits=cloud.UNMARKED), "compute2"),
    inventory_device(cloud.device("compute3", traits=cloud.SILENT), "compute3"),
)


class DevicesTest(PanelTestCase):
    def test_each_device_is_a_row_with_its_units_and_what_it_declares(self) -> None:
        self.answer(devices=DEVICES)
        rows = self.page("devices").context["devices_table"].get_rows()
        shown = [[str(cell.value) for cell in row] for row in rows]
        address = "0000:81:00.0"
        self.assertEqual(
            [
                ["compute1", address, cloud.VF, "4", "1", "3", "Yes"],
                ["compute2", address, cloud.VF, "4", "0", "4", "No"],
                ["compute3", address, cloud.VF, "4", "0", "4", "Unknown"],
            ],
            shown,
        )

    def test_a_service_that_does_not_answer_is_a_message_not_an_error_page(self) -> None:
        self.answer(devices=CloudError("placement cannot be reached: <refused>"))
        response = self.page("devices")
        self.assertEqual(200, response.status_code)
        self.assertMessageCount(response, error=1)
        self.assertContains(response, "placement cannot be reached: &lt;refused&gt;")
