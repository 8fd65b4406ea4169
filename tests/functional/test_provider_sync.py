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

"""The placement sync engine in a real cloud: what nova makes of it, and who else writes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import pathlib
import tempfile
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from placement_sync.engine.finding import Kind
from placement_sync.engine.round import Engine
from tests.cloud import HostSpec
from tests.cloud.administrator import MICROVERSION
from tests.functional.base import ALIAS_ANY, ALIAS_YES, UNTAGGED, YES, CloudTestCase, Finished
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.placement.write import ConflictError, TraitWriter
from vfio_lm.pci.hosts import Host, read_host, read_hosts

LIVE = "HW_PCI_LIVE_MIGRATABLE"
NOT_LIVE = "CUSTOM_PCI_NOT_LIVE_MIGRATABLE"
NO = YES | {"live_migratable": "no"}
ALIAS_NO = ALIAS_YES | {"name": "vf-no", "live_migratable": "no"}
WRITERS = 8
CONTENDED = 200
ROUNDS = 50
BLOCK = CONTENDED // ROUNDS
PAUSE_SECONDS = 0.5


class ProviderTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(NO,)),
    )
    aliases = (ALIAS_YES, ALIAS_ANY, ALIAS_NO)

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in self.cloud.hosts():
            text = self.cloud.nova_conf(name).read_text()
            (self.folder / f"{name}.conf").write_text(text)
        self.writer = TraitWriter(self.connection.placement)
        self.placement = PlacementClient(self.connection.placement)
        self.addCleanup(self.forget_traits)
        self.forget_traits()

    def forget_traits(self) -> None:
        """Take our traits from the roots of the cloud."""
        for name in self.cloud.hosts():
            self.write(name, lambda now: now - {LIVE, NOT_LIVE})

    def write(self, name: str, change: Any) -> None:
        """Change a provider as somebody else."""
        self.writer.change(self.placement.find_provider(name=name).uuid, change)

    def configs(self) -> tuple[Host, ...]:
        found = read_hosts(self.folder)
        self.assertEqual((), found.errors)
        return found.hosts

    def traits(self, name: str) -> frozenset[str]:
        return self.writer.read(self.placement.find_provider(name=name).uuid).traits

    def our_traits(self) -> dict[str, set[str]]:
        return {name: {LIVE, NOT_LIVE} & self.traits(name) for name in self.cloud.hosts()}

    def vfio_provider(self, verb: str, *options: str) -> Finished:
        return self.openstack(
            "vfio", "provider", verb, "--nova-conf-dir", str(self.folder), *options
        )


class TestScheduling(ProviderTestCase):
    def test_flavors_reach_only_the_hosts_that_their_aliases_need(self):
        for name, alias in (("mobile", "vf-yes:1"), ("fixed", "vf-no:1"), ("plain", None)):
            self.named_flavor(name, alias)
        done = self.vfio_provider("sync", "--manage-flavors", "-f", "json")
        self.assertEqual(0, done.status, done.errors)
        self.assertEqual(
            {"compute1", "compute2", "flavor mobile", "flavor fixed"},
            {row["Subject"] for row in done.json()},
        )
        self.assertEqual({"compute1": {LIVE}, "compute2": {NOT_LIVE}}, self.our_traits())
        self.assertEqual("required", self.extra_specs("mobile")[f"trait:{LIVE}"])
        self.assertEqual("forbidden", self.extra_specs("fixed")[f"trait:{LIVE}"])
        self.assertEqual({}, self.extra_specs("plain"))
        for _ in range(2):
            self.assertEqual("compute1", self.host_of(self.boot(self.id_of("mobile"))))
            self.assertEqual("compute2", self.host_of(self.boot(self.id_of("fixed"))))
        again = self.vfio_provider("sync", "--manage-flavors", "-f", "json")
        self.assertEqual((0, []), (again.status, again.json()))
        self.assertIn("nothing to do", again.errors)

    def test_the_trait_alone_decides_where_a_server_may_go(self):
        """The devices of both hosts would do, so that nothing but the root's trait is left."""
        self.assertEqual(0, self.vfio_provider("sync").status)
        for value, expected in (("required", "compute1"), ("forbidden", "compute2")):
            flavor = self.flavor(None, **{f"trait:{LIVE}": value})
            found = {self.host_of(self.boot(flavor)) for _ in range(2)}
            self.assertEqual({expected}, found, value)

    def named_flavor(self, name: str, aliases: str | None) -> None:
        compute = self.connection.compute
        flavor = compute.create_flavor(name=name, vcpus=1, ram=512, disk=1)
        if aliases:
            compute.create_flavor_extra_specs(flavor, {"pci_passthrough:alias": aliases})

    def id_of(self, name: str) -> str:
        return str(self.connection.compute.find_flavor(name).id)

    def extra_specs(self, name: str) -> dict[str, str]:
        path = f"/flavors/{self.id_of(name)}/os-extra_specs"
        response = self.connection.compute.get(path, microversion=MICROVERSION)
        found: dict[str, str] = response.json()["extra_specs"]
        return found


class TestNovaBesideUs(ProviderTestCase):
    def test_nova_s_updates_leave_roots_right_and_we_leave_nova_s_providers(self):
        engine = Engine(self.connection.placement)
        engine.run_round(self.configs())
        requests = self.recorded(engine)
        pci = {p.uuid: p.name for p in self.placement.pci_providers().values()}
        for _ in range(10):
            self.cloud.update_resources()
            result = engine.run_round(self.configs())
            self.assertEqual((0, 0, ()), (result.writes, result.contested, result.errors))
        self.assertEqual({"compute1": {LIVE}, "compute2": {NOT_LIVE}}, self.our_traits())
        self.assertEqual(2, len(pci))
        self.assertEqual([], [r for r in requests if r[0] != "GET"])
        self.assertLessEqual(len(requests), 10 * 10)

    def test_who_changes_us_back_twice_is_reported_once(self):
        engine = Engine(self.connection.placement)
        results = []
        for _ in range(5):
            results.append(engine.run_round(self.configs()))
            self.write("compute1", lambda now: now - {LIVE})
        self.assertEqual([2, 1, 0, 0, 0], [result.writes for result in results])
        self.assertEqual([0, 0, 1, 1, 1], [result.contested for result in results])
        told = [finding for result in results for finding in result.news]
        self.assertEqual([(Kind.CONTESTED, "compute1")], [(f.kind, f.subject) for f in told])
        self.assertEqual({NOT_LIVE}, self.our_traits()["compute2"])

    def recorded(self, engine: Engine) -> list[tuple[str, str]]:
        """Return a list that fills with the requests of an engine."""
        session = self.connection.placement.session
        known: list[tuple[str, str]] = []
        request = session.request

        def record(url: str, method: str, **kwargs: Any) -> Any:
            known.append((method, url))
            return request(url, method, **kwargs)

        session.request = record
        self.addCleanup(lambda: setattr(session, "request", request))
        return known


class TestCommands(ProviderTestCase):
    def test_audit_shows_what_a_host_left_behind(self):
        self.cloud.fill_placement(hosts=1, pfs=2)
        self.addCleanup(self.cloud.empty_placement_filler)
        (row,) = (
            row
            for row in self.vfio_provider("audit", "-f", "json").json()
            if row["Drift"] == "provider without host"
        )
        self.assertEqual("filler00000", row["Subject"])
        self.assertIn("placement has 2 PCI providers of it", row["Detail"])
        self.assertIn("nova-manage placement audit", row["Remedy"])
        limited = self.vfio_provider("audit", "--host", "compute1", "-f", "json")
        self.assertNotIn("provider without host", limited.output)

    def test_audit_shows_a_consumer_that_nova_does_not_know(self):
        placement = self.connection.placement
        provider = next(
            each for each in placement.resource_providers() if each.name.startswith("compute1_")
        )
        path = f"/resource_providers/{provider.id}/inventories"
        (resource_class,) = placement.get(path, microversion="1.39").json()["inventories"]
        consumer = str(uuid.uuid4())
        response = placement.put(
            f"/allocations/{consumer}",
            json={
                "allocations": {provider.id: {"resources": {resource_class: 1}}},
                "consumer_generation": None,
                "consumer_type": "INSTANCE",
                "project_id": "p",
                "user_id": "u",
            },
            microversion="1.39",
        )
        self.assertEqual(204, response.status_code, response.text)
        self.addCleanup(placement.delete, f"/allocations/{consumer}")
        (row,) = (
            row
            for row in self.vfio_provider("audit", "-f", "json").json()
            if row["Drift"] == "consumer without server"
        )
        self.assertEqual(consumer, row["Subject"])
        self.assertIn(f"holds 1 unit of {provider.name}", row["Detail"])

    def test_audit_shows_what_sync_mends(self):
        done = self.vfio_provider("audit", "-f", "json")
        self.assertEqual(2, done.status, done.errors)
        missing = {(row["Subject"], row["Detail"].partition(":")[0]) for row in done.json()
                   if row["Drift"] == "missing"}  # fmt: skip
        self.assertEqual({("compute1", LIVE), ("compute2", NOT_LIVE)}, missing)
        planned = self.vfio_provider("sync", "--dry-run", "-f", "json")
        self.assertEqual({"compute1": set(), "compute2": set()}, self.our_traits())
        written = self.vfio_provider("sync", "-f", "json")
        self.assertEqual((0, 0), (planned.status, written.status))
        self.assertEqual(planned.json(), written.json())
        after = self.vfio_provider("audit", "-f", "json")
        self.assertEqual(0, after.status, after.output)

    def test_sync_of_one_host(self):
        conf = str(self.cloud.nova_conf("compute1"))
        done = self.openstack("vfio", "provider", "sync", "--nova-conf", f"compute1={conf}")
        self.assertEqual(0, done.status, done.errors)
        self.assertEqual({"compute1": {LIVE}, "compute2": set()}, self.our_traits())
        done = self.vfio_provider("sync", "--host", "compute2")
        self.assertEqual({"compute1": {LIVE}, "compute2": {NOT_LIVE}}, self.our_traits())

    def test_a_changed_configuration_takes_the_trait_away_and_names_the_line(self):
        self.assertEqual(0, self.vfio_provider("sync").status)
        conf = self.folder / "compute1.conf"
        conf.write_text(f"[pci]\ndevice_spec = {json.dumps(UNTAGGED)}\n")
        audit = self.vfio_provider("audit", "-f", "json")
        self.assertEqual(2, audit.status)
        extra = {row["Subject"]: row for row in audit.json() if row["Drift"] == "extra"}
        (of_nova,) = (row for name, row in extra.items() if name.startswith("compute1_"))
        self.assertEqual((f"{conf}:2", "no"), (of_nova["Where"], of_nova["Durable"]))
        self.assertEqual(0, self.vfio_provider("sync").status)
        self.assertEqual({"compute1": set(), "compute2": {NOT_LIVE}}, self.our_traits())

    def test_one_bad_file(self):
        (self.folder / "compute2.conf").write_text("[pci]\ndevice_spec = {\n")
        done = self.vfio_provider("sync", "-f", "json")
        self.assertEqual(1, done.status)
        self.assertIn("compute2.conf", done.errors)
        self.assertEqual({"compute1": {LIVE}, "compute2": set()}, self.our_traits())
        audit = self.vfio_provider("audit")
        self.assertEqual((1, ""), (audit.status, audit.output))

    def test_a_user_without_the_admin_role(self):
        done = self.openstack(
            "vfio", "provider", "sync", "--nova-conf-dir", str(self.folder), cloud="embedded-demo"
        )
        self.assertEqual(1, done.status)
        self.assertIn("admin role", done.errors)
        self.assertNotIn("Traceback", done.errors)


class TestWriters(ProviderTestCase):
    """Others write to the same providers all the time."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud.fill_placement(hosts=CONTENDED, pfs=0)
        self.addCleanup(self.cloud.empty_placement_filler)
        self.names = [f"filler{number:05}" for number in range(CONTENDED)]
        providers = self.placement.providers().values()
        self.uuids = {each.name: each.uuid for each in providers if each.name in self.names}
        self.colours = [f"CUSTOM_COLOUR_{number}" for number in range(WRITERS)]
        for colour in self.colours:
            self.writer.create_trait(colour)
        self.kinds = [self.kind(spec) for spec in (YES, NO)]
        self.block = self.names[:1]
        self.end = threading.Event()

    def kind(self, spec: dict[str, str]) -> Host:
        path = self.folder / "kind"
        path.write_text(f"[pci]\ndevice_spec = {json.dumps(spec)}\n")
        return read_host([path], "any", hypervisor_hostname="any")

    def test_no_foreign_trait_is_lost(self):
        engine = Engine(self.connection.placement)
        conflicts = writes = 0
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            painters = [pool.submit(self.paint, colour) for colour in self.colours]
            try:
                for number in range(ROUNDS):
                    # The others write to those hosts that this round changes.
                    self.block = self.names[number * BLOCK : (number + 1) * BLOCK]
                    result = engine.run_round(self.wishes(number))
                    conflicts += result.conflicts
                    writes += result.writes
            finally:
                self.end.set()
            painted = [painter.result() for painter in painters]
        result = engine.run_round(self.wishes(ROUNDS))
        self.assertTrue(result.is_complete, result.errors)
        self.assertEqual((CONTENDED, 0), (result.right, result.contested))
        self.assertGreater(conflicts, 0)
        self.assertEqual(CONTENDED, writes + result.writes)
        for colour, known in zip(self.colours, painted, strict=True):
            self.assertGreater(len(known), 0)
            now = self.placement.uuids_with_trait(colour)
            wrong = [name for name, has in known.items() if (self.uuids[name] in now) is not has]
            self.assertEqual([], wrong, colour)

    def paint(self, colour: str) -> dict[str, bool]:
        """Put a colour on providers and take it off again until told to end.

        :returns: which providers have the colour then
        """
        writer = TraitWriter(self.cloud.connection().placement)
        known: dict[str, bool] = {}
        for step in itertools.count():
            block = self.block
            name = block[step % len(block)]
            has = not known.get(name, False)
            change = (lambda now: now | {colour}) if has else (lambda now: now - {colour})
            with contextlib.suppress(ConflictError):
                writer.change(self.uuids[name], change)
                known[name] = has
            # Placement has one core here, and should also answer us.
            if self.end.wait(PAUSE_SECONDS):
                return known
        raise AssertionError("a count has no end")

    def wishes(self, number: int) -> tuple[Host, ...]:
        """Return hosts; those of the first rounds have changed their minds already."""
        changed = (number + 1) * BLOCK
        return tuple(
            dataclasses.replace(self.kinds[place % 2], name=name, hypervisor_hostname=name)
            for place, name in enumerate(self.names[:changed])
        )


class TestPassing(ProviderTestCase):
    """Providers come and go."""

    def test_a_root_that_goes_and_comes_back(self):
        engine = Engine(self.connection.placement)
        spec = json.dumps(YES)
        (self.folder / "passing.conf").write_text(f"[pci]\ndevice_spec = {spec}\n")
        first = engine.run_round(self.configs())
        self.assertEqual([Kind.HOST_WITHOUT_PROVIDER], [each.kind for each in first.news])
        for _ in range(4):
            self.create("passing")
            result = engine.run_round(self.configs())
            self.assertEqual((1, 0), (result.writes, result.contested))
            self.assertEqual({LIVE}, self.traits("passing"))
            self.delete("passing")
            self.assertEqual(0, engine.run_round(self.configs()).writes)

    def test_a_root_that_goes_between_look_and_write(self):
        (self.folder / "passing.conf").write_text(f"[pci]\ndevice_spec = {json.dumps(YES)}\n")
        self.create("passing")
        engine = Engine(self.connection.placement)

        @contextlib.contextmanager
        def writing(name: str) -> Iterator[bool]:
            if name == "passing":
                self.delete("passing")
            yield True

        result = engine.run_round(self.configs(), writing=writing)
        self.assertEqual(((), True, 2), (result.errors, result.is_complete, result.writes))
        self.assertEqual({"compute1": {LIVE}, "compute2": {NOT_LIVE}}, self.our_traits())

    def create(self, name: str) -> None:
        placement = self.connection.placement
        response = placement.post("/resource_providers", json={"name": name}, microversion="1.39")
        self.assertEqual(200, response.status_code, response.text)
        uuid = response.json()["uuid"]
        self.addCleanup(placement.delete, f"/resource_providers/{uuid}")

    def delete(self, name: str) -> None:
        uuid = self.placement.find_provider(name=name).uuid
        response = self.connection.placement.delete(f"/resource_providers/{uuid}")
        self.assertEqual(204, response.status_code, response.text)
