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

"""What of a report is shown to people first."""

from __future__ import annotations

import unittest

from vfio_lm.preflight import CheckResult, DestinationReport, Report, Scope, Status
from vfio_lm.preflight.check import Refuser
from vfio_lm.preflight.wording import summary


def answer(
    check: str, status: Status, host: str | None = None, decides: bool = True
) -> CheckResult:
    return CheckResult(
        id=check,
        scope=Scope.DESTINATION if host else Scope.SERVER,
        host=host,
        status=status,
        message=f"{check} of {host or 'the server'}",
        remedy=f"mend {check} of {host or 'the server'}",
        evidence={},
        refused_by=Refuser.SCHEDULER,
        is_decisive=decides,
    )


def report(*own: CheckResult, **destinations: tuple[CheckResult, ...]) -> Report:
    return Report(
        server_id="id",
        server_name="server",
        source_host="source",
        requested_host=None,
        nova_microversion="2.100",
        checks=own,
        destinations=tuple(
            DestinationReport(host=host, checks=checks, devices=())
            for host, checks in destinations.items()
        ),
    )


class SummaryTest(unittest.TestCase):
    def test_what_keeps_several_hosts_from_being_ready_is_one_point(self) -> None:
        (point,) = summary.obstacles(
            report(
                a=(answer("full", Status.FAIL, "a"),),
                b=(answer("full", Status.FAIL, "b"),),
            )
        )
        self.assertEqual(
            ("full", ("a", "b"), "full of a"), (point.check, point.hosts, point.message)
        )

    def test_other_hosts_do_not_matter_while_one_is_ready(self) -> None:
        self.assertEqual(
            (),
            summary.obstacles(
                report(a=(answer("full", Status.PASS, "a"),), b=(answer("full", Status.FAIL, "b"),))
            ),
        )

    def test_what_is_not_known_is_asked_for_only_where_nothing_is_in_the_way(self) -> None:
        unknown = answer("numa", Status.UNKNOWN, "a")
        self.assertEqual(["numa"], [p.check for p in summary.open_questions(report(a=(unknown,)))])
        blocked = report(answer("state", Status.FAIL), a=(unknown,))
        self.assertEqual((), summary.open_questions(blocked))

    def test_what_is_not_known_and_decides_nothing_is_told_apart(self) -> None:
        found = report(a=(answer("driver", Status.UNKNOWN, "a", decides=False),))
        self.assertEqual((), summary.open_questions(found))
        self.assertEqual(["driver"], [p.check for p in summary.minor_questions(found)])

    def test_what_fails_comes_first(self) -> None:
        found = summary.by_urgency([answer(status.value, status) for status in Status])
        self.assertEqual(
            ["fail", "unknown", "warn", "pass", "not applicable"], [each.id for each in found]
        )

    def test_what_is_not_known_of_a_host_no_longer_matters_where_it_is_refused(self) -> None:
        failed, unknown = answer("full", Status.FAIL, "a"), answer("numa", Status.UNKNOWN, "a")
        (destination,) = report(a=(unknown, failed)).destinations
        self.assertEqual([failed], summary.in_the_way(destination))
