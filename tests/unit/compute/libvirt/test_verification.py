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

"""The verdict on a migrated domain is never better than what was seen."""

import dataclasses
import datetime

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.compute.libvirt.test_migration_plan import HERE, THERE, THERE_TOO, devices, domain
from vfio_lm.compute.domain.devices import DomainDevices
from vfio_lm.compute.libvirt.connection import DomainState
from vfio_lm.compute.libvirt.qemu_log import LogFindings
from vfio_lm.compute.libvirt.verification import (
    EXIT_STATUS,
    ArrivalEvidence,
    ArrivalVerdict,
    judge,
    overall,
)

STARTED = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
CLEAN = LogFindings(STARTED, True, ())
ARRIVED = domain(devices(THERE))

EVIDENCE = st.builds(
    ArrivalEvidence,
    domain=st.builds(
        domain,
        st.sampled_from([devices(THERE), devices(HERE), devices(THERE, THERE_TOO)]),
        state=st.sampled_from(DomainState),
        has_job=st.booleans(),
        is_persistent=st.booleans(),
        config=st.sampled_from([devices(THERE), devices(HERE)]),
    ),
    log=st.sampled_from(
        [
            CLEAN,
            "not readable",
            LogFindings(None, False, ()),
            LogFindings(STARTED, False, ()),
            LogFindings(STARTED, True, ("Failed setting device state to RUNNING_P2P",)),
        ]
    ),
    device_states=st.dictionaries(
        st.just(THERE), st.sampled_from(["RUNNING", "STOP", "RESUMING", "ERROR"])
    ),
    expected=st.none() | st.just((THERE,)),
)


class TestJudge(testtools.TestCase):
    def assert_verdict(self, verdict, said, log=CLEAN, **fields):
        findings = judge(ArrivalEvidence(**({"domain": ARRIVED, "log": log} | fields)))
        self.assertEqual(verdict, overall(findings), findings)
        texts = [finding.text for finding in findings if finding.verdict is verdict]
        self.assertIn(said, "\n".join(texts))

    def test_all_good(self):
        self.assert_verdict(ArrivalVerdict.GOOD, "domain g1 is running", expected=(THERE,))

    def test_a_refused_state_is_broken_whatever_else_is_good(self):
        log = dataclasses.replace(CLEAN, refused=("Failed setting device state to RUNNING",))
        self.assert_verdict(ArrivalVerdict.BROKEN, "restart the server", log)

    def test_an_unreadable_log_is_unknown(self):
        self.assert_verdict(ArrivalVerdict.UNKNOWN, "permission denied", "permission denied")

    def test_a_log_without_a_start_is_unknown(self):
        self.assert_verdict(ArrivalVerdict.UNKNOWN, "--qemu-log", LogFindings(None, False, ()))

    def test_a_start_without_migration_is_unknown(self):
        self.assert_verdict(
            ArrivalVerdict.UNKNOWN, "there is nothing to verify", LogFindings(STARTED, False, ())
        )

    def test_other_devices_than_expected(self):
        self.assert_verdict(
            ArrivalVerdict.BROKEN,
            "the running domain has 0000:ca:00.1 and not 0000:ca:00.2",
            expected=(THERE_TOO,),
        )

    def test_devices_in_another_order_are_other_devices(self):
        self.assert_verdict(
            ArrivalVerdict.BROKEN,
            "has 0000:ca:00.1, 0000:ca:00.2 and not 0000:ca:00.2, 0000:ca:00.1",
            domain=domain(devices(THERE, THERE_TOO)),
            expected=(THERE_TOO, THERE),
        )

    def test_a_domain_without_devices_is_nothing_to_verify(self):
        without = domain(DomainDevices("g1", "", (), (), ()))
        self.assert_verdict(ArrivalVerdict.UNKNOWN, "there is nothing to verify", domain=without)
        self.assert_verdict(
            ArrivalVerdict.BROKEN,
            "has none and not 0000:ca:00.1",
            domain=without,
            expected=(THERE,),
        )

    def test_a_configuration_with_other_devices(self):
        self.assert_verdict(
            ArrivalVerdict.BROKEN,
            "correct it with 'virsh edit g1'",
            domain=domain(devices(THERE), config=devices(HERE)),
        )

    def test_a_migration_under_way(self):
        self.assert_verdict(
            ArrivalVerdict.UNKNOWN,
            "still being migrated",
            domain=domain(devices(THERE), has_job=True),
        )

    def test_a_paused_domain(self):
        paused = domain(devices(THERE), state=DomainState.PAUSED)
        self.assert_verdict(ArrivalVerdict.UNKNOWN, "'virsh resume g1'", domain=paused)

    def test_a_domain_that_stands_still_after_an_error(self):
        stuck = domain(devices(THERE), state=DomainState.STUCK)
        self.assert_verdict(ArrivalVerdict.BROKEN, "virsh domstate --reason g1", domain=stuck)

    def test_a_device_that_does_not_run_in_a_domain_that_does(self):
        self.assert_verdict(ArrivalVerdict.BROKEN, "in state STOP", device_states={THERE: "STOP"})

    @given(EVIDENCE)
    def test_good_means_that_everything_is(self, evidence):
        if overall(judge(evidence)) is not ArrivalVerdict.GOOD:
            return
        self.assertIs(DomainState.RUNNING, evidence.domain.state)
        self.assertFalse(evidence.domain.has_job)
        self.assertEqual(CLEAN, evidence.log)
        self.assertIn(evidence.device_states.get(THERE), (None, "RUNNING"))
        if evidence.expected is not None:
            live = tuple(source.address for source in evidence.domain.live.pci)
            self.assertEqual(evidence.expected, live)

    def test_each_verdict_has_an_exit_status_of_its_own(self):
        self.assertEqual([0, 2, 3], sorted(EXIT_STATUS[verdict] for verdict in ArrivalVerdict))
