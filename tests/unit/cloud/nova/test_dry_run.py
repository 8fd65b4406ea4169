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

"""Nova-api's filter is asked for nova's own word, and what it answers is read or refused."""

from __future__ import annotations

import requests_mock
import testtools

from tests.unit.cloud import answers, clouds
from vfio_lm.cloud.nova import DryRunClient
from vfio_lm.errors import CloudError, ForbiddenError
from vfio_lm.pci.nova_word import Ending

_URL = f"{clouds.NOVA}/os-vfio-lm"


class TestDryRun(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mock = self.enterContext(requests_mock.Mocker())
        self.nova = DryRunClient.of(clouds.mocked(self.mock, compute=clouds.NOVA))

    def test_where_it_is_served_it_says_of_which_nova(self) -> None:
        self.mock.get(_URL, json={"vfio_lm": {"nova_version": "34.0.0"}})
        self.assertEqual("34.0.0", self.nova.dry_run_version())

    def test_who_is_not_served_is_told_why(self) -> None:
        self.mock.get(_URL, status_code=404, text="<html>Not Found</html>")
        self.assertIn("404", str(self.assertRaises(CloudError, self.nova.dry_run_version)))
        self.mock.get(_URL, status_code=403, json={"forbidden": {"message": "only an admin"}})
        self.assertRaises(ForbiddenError, self.nova.dry_run_version)

    def test_servers_and_host_are_named_and_the_word_is_read(self) -> None:
        asked = self.mock.get(f"{_URL}/dry-run", json=answers.nova_word())
        word = self.nova.dry_run([answers.SERVER_ID, "s2"], "compute2")
        self.assertIs(Ending.ACCEPTED, word.answers[0].ending)
        self.assertEqual(
            {"server": [answers.SERVER_ID, "s2"], "host": ["compute2"]}, asked.last_request.qs
        )

    def test_what_is_not_novas_word_is_refused_in_one_line(self) -> None:
        for content in (b"\xff", b"{}", b'{"version": 2}', b'{"version": NaN}'):
            self.mock.get(f"{_URL}/dry-run", content=content)
            error = self.assertRaises(CloudError, self.nova.dry_run, ["s1"])
            self.assertEqual(1, len(str(error).splitlines()), error)
            self.assertIn("nova's own word", str(error))
