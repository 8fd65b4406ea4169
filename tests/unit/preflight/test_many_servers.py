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

"""The reports of many servers come one by one, and what is done is shown; the cloud is imagined."""

from __future__ import annotations

import datetime

import fixtures
import testtools

from tests.unit.preflight.scenario import NOW, facts
from vfio_lm.errors import NotFoundError
from vfio_lm.preflight import Inputs, Selection, Stage, Verdict, check_servers
from vfio_lm.preflight.gather.selection import Selected
from vfio_lm.preflight.many_servers import check_these

_ROOM = "vfio_lm.preflight.many_servers"


class _Cloud:
    """Two servers, and no host but those of the scenario."""

    def __init__(self, connection: object) -> None:
        self.connection = connection

    def service(self, host: str) -> None:
        if host != "compute2":
            raise NotFoundError(f"no host '{host}'")


class TestManyServers(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.events = []
        self.patch("WholeCloud", _Cloud)
        self.patch("select", lambda cloud, selection: Selected(("s1", "s2"), others=3))
        self.patch("collect", self.collect)

    def patch(self, name, value):
        self.useFixture(fixtures.MonkeyPatch(f"{_ROOM}.{name}", value))

    def collect(self, cloud, subjects, inputs, *, host, tell):
        tell(1, 1)
        for subject in subjects:
            self.events.append(f"facts of {subject}")
            yield facts(server={"id": subject}, requested_host=host)

    def survey(self, host=None):
        inputs = Inputs(now=NOW, max_age=datetime.timedelta(hours=1))
        return check_servers(
            None, Selection(), inputs, host=host, progress=lambda *done: self.events.append(done)
        )

    def test_a_report_is_made_when_it_is_asked_for(self):
        survey = self.survey()
        self.assertEqual([], self.events)
        first = next(survey.reports)
        self.assertEqual(("s1", Verdict.READY), (first.server_id, first.verdict))
        self.assertNotIn("facts of s2", self.events)
        self.assertEqual(["s2"], [report.server_id for report in survey.reports])

    def test_what_is_done_is_told_to_the_end(self):
        list(self.survey().reports)
        self.assertEqual(
            [
                (Stage.HOLDINGS, 1, 1),
                "facts of s1",
                (Stage.CHECKS, 0, 2),
                "facts of s2",
                (Stage.CHECKS, 1, 2),
                (Stage.CHECKS, 2, 2),
            ],
            self.events,
        )

    def test_the_servers_that_are_left_out_are_counted(self):
        survey = self.survey()
        self.assertEqual((2, 3, True), (survey.count, survey.others, survey.others_are_known))

    def test_servers_that_are_at_hand_are_not_looked_for(self):
        self.patch("checked_servers", lambda cloud, servers: tuple(servers))
        found = check_these(_Cloud(None), ["s2", "s1"], Inputs(now=NOW))
        self.assertEqual([], self.events)
        self.assertEqual(["s2", "s1"], [report.server_id for report in found])

    def test_a_host_that_does_not_exist_is_an_error_at_once(self):
        self.assertRaises(NotFoundError, self.survey, "compute9")
        (report, _) = self.survey("compute2").reports
        self.assertEqual("compute2", report.requested_host)
