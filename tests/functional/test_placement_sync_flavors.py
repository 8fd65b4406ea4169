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

"""Flavors that the running agent manages, and the servers that run on them, in a real cloud."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from contextlib import contextmanager

import fixtures
from testtools.content import text_content

from tests.cloud import HostSpec
from tests.cloud.administrator import MICROVERSION, wait_for
from tests.functional.base import ALIAS_ANY, ALIAS_YES, YES, CloudTestCase
from tests.functional.sync_agent import AgentProcess, credentials, write_hosts
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.placement.write import TraitWriter

LIVE = "HW_PCI_LIVE_MIGRATABLE"
NOT_LIVE = "CUSTOM_PCI_NOT_LIVE_MIGRATABLE"
SPEC = f"trait:{LIVE}"
COMPLETE = 'rounds_total{outcome="complete"}'

ALIAS_NO = ALIAS_YES | {"name": "vf-no", "live_migratable": "no"}
ALIASES = "pci_passthrough:alias"


class TestManagedFlavors(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(YES,)),
        HostSpec("compute3", device_specs=(YES | {"live_migratable": "no"},)),
    )
    aliases = (ALIAS_YES, ALIAS_ANY, ALIAS_NO)

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.declare(compute1="yes", compute2="yes", compute3="no")
        self.agent = AgentProcess(self.folder)
        self.configure("manage_flavors = true")
        self.addOnException(lambda _: self.addDetail("agent", text_content(self.agent.text())))
        self.writer = TraitWriter(self.connection.placement)
        self.addCleanup(self.forget_traits)

    def declare(self, **hosts: str) -> None:
        """Say whether the devices of hosts are live migratable, in the files of the agent."""
        write_hosts(self.folder / "hosts", hosts)

    def configure(self, own: str) -> None:
        self.agent.configure(
            f"nova_conf_dir = {self.folder / 'hosts'}\n"
            f"api_nova_conf = {self.cloud.nova_conf()}\ninterval = 1\n{own}",
            credentials(self.cloud),
        )

    def forget_traits(self) -> None:
        for name in self.cloud.hosts():
            self.writer.change(self.uuid(name), lambda now: now - {LIVE, NOT_LIVE})

    def uuid(self, host: str) -> str:
        return PlacementClient(self.connection.placement).find_provider(name=host).uuid

    def traits(self, host: str) -> frozenset[str]:
        return self.writer.read(self.uuid(host)).traits

    def extra_specs(self, flavor: str) -> dict[str, str]:
        path = f"/flavors/{flavor}/os-extra_specs"
        response = self.connection.compute.get(path, microversion=MICROVERSION)
        found: dict[str, str] = response.json()["extra_specs"]
        return found

    @contextmanager
    def running_agent(self) -> Iterator[None]:
        self.agent.start()
        try:
            yield
        finally:
            self.agent.kill()

    def wait_for_rounds(self, number: int = 3) -> None:
        """Wait until it made some more rounds that found nothing left undone."""
        before = self.agent.metric(COMPLETE)
        wait_for("more rounds", lambda: self.agent.metric(COMPLETE) >= before + number)

    def told(self, words: str) -> int:
        """Return how many lines of the agent's log hold these words."""
        return sum(words in line for line in self.agent.text().splitlines())

    def test_flavors_get_what_their_aliases_need_and_keep_what_operators_set(self):
        mobile = self.flavor("vf-yes:1", **{"trait:COMPUTE_NODE": "required"})
        fixed = self.flavor("vf-no:1", **{"hw:watchdog_action": "reset"})
        untold = self.flavor("vf-any:1")
        plain = self.flavor(None)
        opposed = self.flavor("vf-yes:1", **{SPEC: "forbidden"})
        before = {each: self.extra_specs(each) for each in (mobile, fixed, untold, plain, opposed)}
        with self.running_agent():
            wait_for(
                "both flavors", lambda: all(SPEC in self.extra_specs(f) for f in (mobile, fixed))
            )
            self.wait_for_rounds()
            self.assertEqual(before[mobile] | {SPEC: "required"}, self.extra_specs(mobile))
            self.assertEqual(before[fixed] | {SPEC: "forbidden"}, self.extra_specs(fixed))
            for each in (untold, plain, opposed):
                self.assertEqual(before[each], self.extra_specs(each))
            self.assertEqual(1, self.told(f"has {SPEC}=forbidden, but its aliases say"))
            self.assertIn(self.host_of(self.boot(mobile)), ("compute1", "compute2"))
            self.assertEqual("compute3", self.host_of(self.boot(fixed)))

    def test_without_manage_flavors_none_is_written(self):
        self.configure("")
        flavor = self.flavor("vf-yes:1")
        before = self.extra_specs(flavor)
        with self.running_agent():
            self.wait_for_rounds()
        self.assertIn(LIVE, self.traits("compute1"))
        self.assertEqual(before, self.extra_specs(flavor))

    def test_aliases_are_compared_without_manage_flavors_as_well(self):
        self.nova_api_conf = self.folder / "nova-api.conf"
        text = self.cloud.nova_conf().read_text()
        ghost = '{"name": "ghost", "vendor_id": "10de", "product_id": "2331"}'
        self.nova_api_conf.write_text(f"{text}\n[pci]\nalias = {ghost}\n")
        self.agent.configure(
            f"nova_conf_dir = {self.folder / 'hosts'}\napi_nova_conf = {self.nova_api_conf}\n"
            f"interval = 1",
            credentials(self.cloud),
        )
        with self.running_agent():
            self.wait_for_rounds()
            self.assertEqual(1, self.told("ghost: alias without provider"))

    def test_a_flavor_never_asks_for_a_host_that_there_is_not(self):
        """Its server would otherwise run on a flavor which fits nowhere."""
        flavor = self.flavor("vf-yes:1")
        self.boot(flavor)
        before = self.extra_specs(flavor)
        self.declare(compute1="no", compute2="no")
        with self.running_agent():
            self.wait_for_rounds()
            self.assertEqual(before, self.extra_specs(flavor))
            self.assertEqual(1, self.told("no host would be left for it"))
            self.declare(compute1="yes")
            wait_for("the flavor", lambda: SPEC in self.extra_specs(flavor))
            self.assertIn(LIVE, self.traits("compute1"))

    def test_a_server_keeps_the_copy_of_the_flavor_that_it_was_built_with(self):
        flavor = self.flavor("vf-yes:1")
        server = self.boot(flavor)
        with self.running_agent():
            wait_for("the flavor", lambda: SPEC in self.extra_specs(flavor))
        self.forget_traits()
        there = {"compute1": "compute2", "compute2": "compute1"}[self.host_of(server)]
        self.assertEqual(there, self.live_migrate(server, there))
