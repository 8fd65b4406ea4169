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

"""The tab Devices, as an administrator sees it."""

from __future__ import annotations

from tests.browser.base import BrowserTestCase


class DevicesTest(BrowserTestCase):
    def test_the_devices_of_all_hosts_are_shown(self) -> None:
        self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.open()
        self.assertEqual(
            [
                ["compute1", "0000:81:00.0", "CUSTOM_PCI_8086_1515", "2", "1", "1", "Yes"],
                ["compute2", "0000:82:00.0", "CUSTOM_PCI_8086_1515", "2", "0", "2", "Yes"],
            ],
            self.rows("devices"),
        )
        self.screenshot("devices")
