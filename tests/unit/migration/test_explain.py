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

"""From what nova recorded to the most likely cause, or to an honest "not known"."""

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.migration.records import (
    REQUEST,
    SERVER,
    action,
    check_result,
    event,
    failed,
    later,
    migration,
    report,
)
from vfio_lm.cloud.model.migration import LIVE_MIGRATION_CANCEL
from vfio_lm.migration import Attempt, Certainty, Result, explain
from vfio_lm.migration.causes import Words
from vfio_lm.preflight import Refuser, Status

NO_HOST = "No valid host was found. There are not enough hosts available."
ROLLED_BACK = action(
    event(),
    event("compute_live_migration", host="compute1"),
    event("compute_rollback_live_migration_at_destination", host="compute2"),
)
CANCEL = action(name=LIVE_MIGRATION_CANCEL, started_at=later(2))


def explained(action_=None, record=None, **fields):
    return explain(Attempt(migration=record or migration(), action=action_, **fields))


class TestExplain(testtools.TestCase):
    def only(self, explanation):
        (cause,) = explanation.causes
        return cause.id, cause.certainty

    def test_nothing_is_explained_where_nothing_failed(self):
        done = explained(action(event()), migration(status="completed"))
        self.assertEqual((Result.COMPLETED, (), ""), (done.result, done.causes, done.next_step))
        going_on = explained(action(event()), migration(status="running"))
        self.assertEqual((Result.IN_PROGRESS, ()), (going_on.result, going_on.causes))

    def test_words_of_an_event_are_certain(self):
        found = explained(action(failed("Insufficient compute resources: Claim pci failed.")))
        self.assertEqual(("no-device-claimed", Certainty.CERTAIN), self.only(found))
        self.assertEqual("", found.next_step)
        self.assertEqual(1, len(found.failed_events))

    def test_an_abort_is_known_by_who_asked_for_it(self):
        record = migration(status="cancelled")
        aborted = Words("operation aborted: migration out job: canceled by client", "nova.log")
        found = explained(ROLLED_BACK, record, cancels=(CANCEL,), log=(aborted,))
        self.assertEqual(("aborted", Certainty.CERTAIN), self.only(found))
        self.assertIn("user 80d0e2cf at 2026-11-24 04:08:07 UTC", found.causes[0].evidence[1])

    def test_an_abort_that_nova_took_for_an_error_is_known_as_well(self):
        found = explained(ROLLED_BACK, migration(status="error"), cancels=(CANCEL,))
        self.assertEqual(("aborted", Certainty.LIKELY), self.only(found))
        self.assertIn("in ERROR", found.causes[0].sentence)
        self.assertIn(
            f"openstack server set --auto-approve --state active {SERVER}", found.causes[0].remedy
        )
        aborted = Words("operation aborted: migration out job: canceled by client", "nova.log")
        found = explained(ROLLED_BACK, migration(status="error"), cancels=(CANCEL,), log=(aborted,))
        self.assertEqual(("aborted", Certainty.CERTAIN), self.only(found))

    def test_an_abort_did_not_make_an_event_fail(self):
        claim = action(failed("Insufficient compute resources: Claim pci failed."))
        found = explained(claim, cancels=(CANCEL,))
        self.assertEqual(("no-device-claimed", Certainty.CERTAIN), self.only(found))

    def test_cancelled_by_nobody_was_too_slow(self):
        record = migration(status="cancelled")
        found = explained(ROLLED_BACK, record)
        self.assertEqual(("completion-timeout", Certainty.LIKELY), self.only(found))
        words = (
            Words("Live migration not completed after 800 sec", "nova.log"),
            Words("operation aborted: migration out job: canceled by client", "nova.log"),
        )
        found = explained(ROLLED_BACK, record, log=words)
        self.assertEqual(("completion-timeout", Certainty.CERTAIN), self.only(found))

    def test_no_valid_host_is_explained_by_the_preflight_of_today(self):
        blocked = report(
            check_result("destination-capacity", Status.FAIL, host="compute2"),
            check_result("destination-service", Status.FAIL, host="compute3"),
        )
        found = explained(action(failed(NO_HOST)), migration(destination=""), report=blocked)
        self.assertEqual(("no-valid-host", Certainty.LIKELY), self.only(found))
        self.assertEqual("destination-service", found.causes[0].check)
        self.assertEqual(3, len(found.causes[0].evidence))
        self.assertIn(REQUEST, found.next_step)

    def test_the_preflight_of_a_server_that_is_elsewhere_now_proves_less(self):
        blocked = report(check_result("alias-defined", Status.FAIL), source="compute3")
        found = explained(action(failed(NO_HOST)), report=blocked)
        self.assertEqual(("no-valid-host", Certainty.POSSIBLE), self.only(found))

    def test_what_the_api_would_refuse_today_was_not_so_then(self):
        in_error = report(check_result("server-state", Status.FAIL, refused_by=Refuser.API))
        found = explained(action(failed(NO_HOST)), report=in_error)
        self.assertEqual(((), (f"event {self.event}: {NO_HOST}",)), (found.causes, found.errors))

    event = "conductor_live_migrate_instance on controller"

    def test_ready_today_means_that_something_has_changed(self):
        found = explained(action(failed(NO_HOST)), report=report())
        self.assertEqual(("was-full-then", Certainty.POSSIBLE), self.only(found))

    def test_without_a_preflight_nothing_more_is_claimed(self):
        found = explained(action(failed(NO_HOST)))
        self.assertEqual(("no-valid-host", Certainty.POSSIBLE), self.only(found))

    def test_a_special_reason_goes_before_no_valid_host(self):
        found = explained(
            action(
                failed(
                    "No valid host was found. The instance has complex "
                    "allocations on the source host so move cannot be forced."
                )
            )
        )
        self.assertEqual(("forced-with-nested-allocations", Certainty.CERTAIN), self.only(found))

    def test_a_failure_below_nova_without_words_is_not_known(self):
        found = explained(ROLLED_BACK, report=report())
        self.assertEqual(((), (), ()), (found.causes, found.errors, found.failed_events))
        self.assertIn("nova-compute on compute1", found.next_step)
        self.assertIn(REQUEST, found.next_step)

    def test_below_nova_the_preflight_of_both_hosts_counts(self):
        today = report(
            check_result("device-trait", Status.FAIL, refused_by=Refuser.LIBVIRT),
            check_result("host-drivers", Status.WARN, host="compute2", refused_by=Refuser.QEMU),
            check_result("other", Status.WARN, host="compute3", refused_by=Refuser.QEMU),
            check_result("numa", Status.FAIL, host="compute2", refused_by=Refuser.COMPUTE),
        )
        found = explained(ROLLED_BACK, report=today)
        self.assertEqual(
            [("device-trait", Certainty.LIKELY), ("host-drivers", Certainty.POSSIBLE)],
            [(cause.id, cause.certainty) for cause in found.causes],
        )

    def test_a_step_that_never_ended_points_at_its_service(self):
        dying = event("compute_pre_live_migration", host="compute2", result="", finished_at=None)
        found = explained(action(event(), dying))
        self.assertEqual(("service-died", Certainty.POSSIBLE), self.only(found))

    def test_errors_that_nobody_knows_are_quoted(self):
        words = (
            Words("Live Migration failure: the moon is full", "nova.log"),
            Words("Migration running for 5 secs", "nova.log", is_error=False),
        )
        found = explained(ROLLED_BACK, log=words)
        self.assertEqual(("nova.log: Live Migration failure: the moon is full",), found.errors)

    def test_a_user_who_is_shown_no_events_is_told_so(self):
        self.assertIn("the admin role", explained(None).next_step)

    @given(
        st.sampled_from(["error", "failed", "cancelled", "completed", "running", "?"]),
        st.lists(st.text(max_size=50), max_size=3),
        st.lists(st.text(max_size=50), max_size=3),
        st.booleans(),
    )
    def test_whatever_was_said_there_is_an_answer(self, status, details, log, was_cancelled):
        found = explained(
            action(*map(failed, details)),
            migration(status=status),
            cancels=(CANCEL,) if was_cancelled else (),
            log=tuple(Words(text, "nova.log") for text in log),
        )
        if found.result is not Result.FAILED:
            self.assertEqual((), found.causes)
        elif not found.causes or found.causes[0].certainty is not Certainty.CERTAIN:
            self.assertTrue(found.next_step)
