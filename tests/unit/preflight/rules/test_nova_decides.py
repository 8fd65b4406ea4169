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

"""Nova's word decides what nova decides, and a check of ours that contradicts it is named."""

from __future__ import annotations

import datetime

import testtools

from tests.unit.preflight.scenario import (
    NOW,
    destination,
    facts,
    nova_destination,
    nova_says,
    nova_word,
    service,
)
from vfio_lm.cloud.model import Flavor
from vfio_lm.pci.nova_word import Decider, Ending, Objection
from vfio_lm.preflight import Status, Verdict
from vfio_lm.preflight.contract import DISTRIBUTION
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.preflight.report import NovaStance
from vfio_lm.preflight.rules.nova_decides import DECIDED_BY_NOVA

_CLAIM = Objection(Decider.COMPUTE, "no device", "PciDeviceRequestFailed")
_PINNED = Flavor("f", 1, 512, 1, {"hw:cpu_policy": "dedicated"})
_UP = (destination(),)
_DOWN = (destination(service=service("compute2", is_up=False)),)

#: Decisive checks about what the dry run leaves out, or about its word itself.
_OURS = {
    "candidate-precision",
    "destination-network",
    "destination-processor",
    "nova-dry-run",
    "port-binding",
    "server-devices",
    "source-network",
    "viommu",
}


def _report(*there, server=None, destinations=_UP, known=None, **word):
    nova = nova_says(nova_word(*there, **word))
    changes = {"server": server or {}, "destinations": destinations, "nova": nova, **(known or {})}
    return examine(facts(**changes), installed_checks())


def _result(report, check, host=None):
    return next(r for r in report.all_checks if r.id == check and host in (None, r.host))


class TestNovaDecides(testtools.TestCase):
    def test_it_is_known_of_every_decisive_check_whether_nova_answers_it(self):
        ids = {
            each.id
            for each in installed_checks()
            if each.package == DISTRIBUTION and each.is_decisive
        }
        self.assertEqual(ids, DECIDED_BY_NOVA | _OURS)

    def test_without_nova_a_pinned_server_is_unknown_and_with_it_ready_or_blocked(self):
        server = {"flavor": _PINNED}
        alone = examine(facts(server=server), installed_checks())
        self.assertIs(Verdict.UNKNOWN, alone.verdict)
        ready = _report(nova_destination(), server=server)
        self.assertIs(Verdict.READY, ready.verdict)
        numa = _result(ready, "numa")
        self.assertEqual(
            (Status.UNKNOWN, False, NovaStance.SETTLES), (numa.status, numa.is_decisive, numa.nova)
        )
        refused = nova_destination(ending=Ending.REFUSED, objections=(_CLAIM,))
        self.assertIs(Verdict.BLOCKED, _report(refused, server=server).verdict)

    def test_nova_settles_what_is_unknown_of_aliases(self):
        report = _report(nova_destination(), known={"aliases": None})
        self.assertIs(Verdict.READY, report.verdict)
        report = _report(nova_destination(ending=Ending.UNKNOWN), known={"aliases": None})
        self.assertIs(Verdict.UNKNOWN, report.verdict)

    def test_features_that_only_hosts_look_at_stay_unknown(self):
        tpm = {"hw:tpm_version": "2.0", "hw:tpm_secret_security": "host"}
        for specs, verdict in ((tpm, Verdict.UNKNOWN), ({"hw:new": "2"}, Verdict.READY)):
            flavor = Flavor("f", 1, 512, 1, specs)
            report = _report(nova_destination(), server={"flavor": flavor})
            self.assertIs(verdict, report.verdict, specs)

    def test_a_check_that_contradicts_nova_is_named_and_nova_decides(self):
        report = _report(nova_destination(), destinations=_DOWN)
        wrong = _result(report, "destination-service")
        self.assertEqual(
            (Verdict.READY, Status.WARN, NovaStance.CONTRADICTS),
            (report.verdict, wrong.status, wrong.nova),
        )
        self.assertIn("defect of the check destination-service", wrong.remedy)

    def test_if_nova_was_asked_a_while_ago_it_is_not_known_who_is_right(self):
        earlier = NOW - datetime.timedelta(minutes=30)
        report = _report(nova_destination(), destinations=_DOWN, taken_at=earlier)
        self.assertIs(Verdict.UNKNOWN, report.verdict)
        self.assertIs(Status.UNKNOWN, _result(report, "destination-service").status)

    def test_an_old_word_changes_nothing(self):
        earlier = NOW - datetime.timedelta(days=2)
        report = _report(nova_destination(), destinations=_DOWN, taken_at=earlier)
        self.assertIs(Verdict.BLOCKED, report.verdict)
        self.assertFalse(report.nova_says.counts)

    def test_what_nova_never_looks_at_stays_ours(self):
        for check in ("destination-processor", "port-binding", "post-copy-off"):
            self.assertNotIn(check, DECIDED_BY_NOVA)
        report = _report(nova_destination(), known={"destinations": (destination(), *_DOWN)})
        self.assertIs(Status.PASS, _result(report, "nova-dry-run", "compute2").status)

    def test_where_nova_agrees_both_are_said(self):
        refused = nova_destination(ending=Ending.REFUSED, objections=(_CLAIM,))
        report = _report(refused, destinations=_DOWN)
        wrong = _result(report, "destination-service")
        self.assertEqual((Status.FAIL, None), (wrong.status, wrong.nova))
        self.assertIs(Status.FAIL, _result(report, "nova-dry-run", "compute2").status)
