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

"""What the checks of the transfer answer."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import NOW, conf, facts, node
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.preflight import Facts, Host, Status
from vfio_lm.preflight.checks import transfer


class TestTimeoutAction(CheckTestCase):
    check = transfer.timeout_action

    def told(self, **changes: object) -> Facts:
        return facts(hosts={"compute1": Host(conf=conf(**changes))})

    def test_without_nova_conf_it_is_unknown(self) -> None:
        self.assert_answers(Status.UNKNOWN)

    def test_novas_default_aborts(self) -> None:
        self.assert_answers(Status.PASS, self.told())
        self.assert_answers(Status.PASS, self.told(timeout_action="abort"))

    def test_a_pause_needs_attention(self) -> None:
        outcome = self.assert_answers(Status.WARN, self.told(timeout_action="force_complete"))
        self.assertIn("live_migration_timeout_action = abort", outcome.remedy)

    def test_post_copy_is_refused_by_qemu(self) -> None:
        both = self.told(timeout_action="force_complete", permit_post_copy=True)
        outcome = self.assert_answers(Status.FAIL, both, saying="post-copy")
        self.assertIn("live_migration_permit_post_copy = false", outcome.remedy)

    def test_without_a_limit_nothing_happens(self) -> None:
        never = self.told(timeout_action="force_complete", completion_timeout=0)
        self.assert_answers(Status.PASS, never)

    def test_facts_of_the_host_say_it_too(self) -> None:
        for action, status in (("none", Status.PASS), ("force_complete", Status.WARN)):
            told = HostFacts(host="compute1", taken_at=NOW, timeout_action=action)
            self.assert_answers(status, facts(hosts={"compute1": Host(facts=told)}))


class TestParallelConnections(CheckTestCase):
    check = transfer.parallel_connections

    def told(self, connections: int | None, version: int | None = 10_000_000, **more: object):
        of_host = node("compute1", hypervisor_version=version) if version else None
        hosts = {"compute1": Host(conf=conf(parallel_connections=connections))}
        return facts(hosts=hosts, source={"node": of_host}, **more)

    def test_without_nova_conf_it_is_unknown(self) -> None:
        self.assert_answers(Status.UNKNOWN)

    def test_one_connection(self) -> None:
        for connections in (None, 1):
            self.assert_answers(Status.PASS, self.told(connections), saying="one connection")

    def test_several_by_the_version_of_qemu(self) -> None:
        self.assert_answers(Status.WARN, self.told(4, 9_002_004), saying="4 connections")
        self.assert_answers(Status.PASS, self.told(4))
        self.assert_answers(Status.UNKNOWN, self.told(4, None))

    def test_an_older_nova_has_no_such_option(self) -> None:
        self.assert_answers(Status.PASS, self.told(4, 9_002_004, nova_microversion=(2, 100)))

    def test_facts_of_the_host_say_it_too(self) -> None:
        told = HostFacts(host="compute1", taken_at=NOW, parallel_connections=2)
        self.assert_answers(Status.WARN, facts(hosts={"compute1": Host(facts=told)}))
