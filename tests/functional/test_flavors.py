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

"""``openstack vfio flavor …`` as a user types it, and what nova makes of such flavors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cloud.administrator import MICROVERSION
from tests.functional.base import ALIAS_ANY, ALIAS_YES, CloudTestCase, Finished

ALIAS = "pci_passthrough:alias"
HOST_TRAIT = "trait:HW_PCI_LIVE_MIGRATABLE"


class FlavorTestCase(CloudTestCase):
    aliases = (ALIAS_YES, ALIAS_ANY, ALIAS_YES | {"name": "vf-no", "live_migratable": "no"})

    def flavor_command(self, verb: str, *arguments: str, has_conf: bool = True) -> Finished:
        conf = ("--nova-conf", str(self.cloud.nova_conf())) if has_conf else ()
        return self.openstack("vfio", "flavor", verb, *arguments, *conf)

    def done(self, verb: str, *arguments: str, has_conf: bool = True) -> Finished:
        done = self.flavor_command(verb, *arguments, has_conf=has_conf)
        self.assertEqual(0, done.status, done.errors)
        return done

    def assert_refused(self, done: Finished, *words: str) -> None:
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(1, len(done.errors.strip().splitlines()), done.errors)
        for word in words:
            self.assertIn(word, done.errors)

    def in_nova(self, name: str) -> Mapping[str, Any]:
        """Return a flavor as nova has it."""
        response = self.connection.compute.get(
            "/flavors/detail", params={"is_public": "None"}, microversion=MICROVERSION
        )
        (found,) = (item for item in response.json()["flavors"] if item["name"] == name)
        return found

    def create(self, name: str, alias: str, *options: str) -> Mapping[str, Any]:
        self.done("create", name, "--ram", "512", "--disk", "1", "--alias", alias, *options)
        return self.in_nova(name)


class TestCreate(FlavorTestCase):
    def test_every_option_reaches_nova(self):
        created = self.done(
            "create", "big", "--id", "77", "--ram", "1024", "--disk", "3", "--ephemeral", "2",
            "--swap", "1500", "--vcpus", "2", "--rxtx-factor", "2.0", "--description", "for VFs",
            "--property", "hw:watchdog_action=reset", "--alias", "vf-yes:2", "--alias", "vf-any",
            "--group-policy", "isolate", "-f", "json",
        ).json()  # fmt: skip
        flavor = self.in_nova("big")
        self.assertEqual(
            ("77", 1024, 3, 2, 1500, 2, 2.0, "for VFs", True),
            tuple(
                flavor[key]
                for key in (
                    "id",
                    "ram",
                    "disk",
                    "OS-FLV-EXT-DATA:ephemeral",
                    "swap",
                    "vcpus",
                    "rxtx_factor",
                    "description",
                    "os-flavor-access:is_public",
                )
            ),
        )
        extra_specs = {
            ALIAS: "vf-yes:2,vf-any:1",
            "group_policy": "isolate",
            "hw:watchdog_action": "reset",
        }
        self.assertEqual(extra_specs, flavor["extra_specs"])
        self.assertEqual({"vf-yes": 2, "vf-any": 1}, created["aliases"])
        self.assertEqual(
            ("mixed", 1024, 3, 2, 1500, True, extra_specs),
            tuple(
                created[key]
                for key in (
                    "live_migratable",
                    "ram",
                    "disk",
                    "ephemeral",
                    "swap",
                    "is_public",
                    "properties",
                )
            ),
        )

    def test_a_private_flavor_for_one_project(self):
        self.create("own", "vf-yes", "--private", "--project", "demo")
        flavor = self.in_nova("own")
        self.assertFalse(flavor["os-flavor-access:is_public"])
        response = self.connection.compute.get(f"/flavors/{flavor['id']}/os-flavor-access")
        (access,) = response.json()["flavor_access"]
        project = self.connection.identity.find_project("demo")
        self.assertEqual(project.id, access["tenant_id"])

    def test_the_host_trait_follows_from_the_aliases(self):
        for alias, expected in (("vf-yes", "required"), ("vf-no", "forbidden"), ("vf-any", None)):
            flavor = self.create(f"flavor-{alias}", alias, "--host-trait")
            self.assertEqual(expected, flavor["extra_specs"].get(HOST_TRAIT), alias)
        without = self.create("plain", "vf-yes")
        self.assertNotIn(HOST_TRAIT, without["extra_specs"])

    def test_dry_run_shows_the_flavor_and_creates_nothing(self):
        arguments = ("create", "later", "--alias", "vf-yes:2", "--dry-run", "-f", "json")
        shown = self.done(*arguments).json()
        self.assertEqual(
            ("", {"vf-yes": 2}, "yes"), (shown["id"], shown["aliases"], shown["live_migratable"])
        )
        self.assertEqual([], list(self.connection.compute.flavors()))

    def test_without_a_nova_conf_it_warns(self):
        done = self.done("create", "unchecked", "--alias", "anything", has_conf=False)
        self.assertIn("not checked", done.errors)
        self.assertEqual({ALIAS: "anything:1"}, self.in_nova("unchecked")["extra_specs"])
        silent = self.done("create", "checked", "--alias", "vf-yes")
        self.assertNotIn("not checked", silent.errors)

    def test_bad_input_creates_nothing(self):
        for arguments, words in (
            (("--alias", "vf-gone"), ("vf-gone", "not defined", "vf-any, vf-no, vf-yes")),
            (("--alias", "vf-yes:0"), ("'vf-yes:0'", "NAME:COUNT")),
            (("--alias", "vf-yes:x"), ("'vf-yes:x'",)),
            (("--alias", "vf-yes", "--alias", "vf-yes:2"), ("more than once",)),
            (("--alias", "vf-yes", "--alias", "vf-no", "--host-trait"), ("no host is both",)),
            (("--alias", "vf-yes", "--project", "demo"), ("--private",)),
            (("--alias", "vf-yes", "--private", "--project", "missing"), ("missing",)),
            (("--alias", "vf-yes", "--property", f"{ALIAS}=vf-no:1"), ("--alias",)),
            # what nova refuses after the flavor itself is there
            (
                ("--alias", "vf-yes", "--property", "hw:cpu_policy=odd"),
                ("400", "'odd' is not one of"),
            ),
        ):
            self.assert_refused(self.flavor_command("create", "bad", *arguments), *words)
        self.assertEqual([], list(self.connection.compute.flavors(is_public=None)))

    def test_a_name_that_is_taken(self):
        self.create("twin", "vf-yes")
        done = self.flavor_command("create", "twin", "--alias", "vf-yes")
        self.assert_refused(done, "409", "twin")
        self.assertEqual({ALIAS: "vf-yes:1"}, self.in_nova("twin")["extra_specs"])


class TestLife(FlavorTestCase):
    def test_create_boot_list(self):
        self.create("mobile", "vf-yes")
        self.create("fixed", "vf-any")
        self.connection.compute.create_flavor(name="plain", vcpus=1, ram=256, disk=1)
        self.boot(self.in_nova("mobile")["id"], name="one")
        self.boot(self.in_nova("mobile")["id"], name="two")
        found = {item["Name"]: item for item in self.done("list", "-f", "json", "--long").json()}
        self.assertEqual({"mobile", "fixed"}, set(found))
        self.assertEqual(
            ({"vf-yes": 1}, "yes", 2, 0, 512),
            tuple(
                found["mobile"][key]
                for key in (
                    "Aliases",
                    "Live Migratable",
                    "Server Count",
                    "Outdated Server Count",
                    "RAM",
                )
            ),
        )
        self.assertEqual(
            ("unspecified", 0), (found["fixed"]["Live Migratable"], found["fixed"]["Server Count"])
        )
        shown = self.done("show", "mobile", "-f", "json").json()
        self.assertEqual(
            (2, 0, "yes"),
            (shown["server_count"], shown["outdated_server_count"], shown["live_migratable"]),
        )

    def test_without_a_nova_conf_the_meaning_is_not_known(self):
        self.create("mobile", "vf-yes")
        (found,) = self.done("list", "-f", "json", has_conf=False).json()
        self.assertEqual("alias unknown", found["Live Migratable"])

    def test_a_malformed_flavor_does_not_hide_the_others(self):
        # nova checks the values of extra specs from microversion 2.86 on
        response = self.connection.compute.post(
            f"/flavors/{self.flavor(None)}/os-extra_specs",
            json={"extra_specs": {ALIAS: "vf-yes"}},
            microversion="2.85",
        )
        self.assertEqual(200, response.status_code, response.text)
        self.flavor("vf-yes:1")
        found = self.done("list", "-f", "json").json()
        self.assertEqual(["malformed", "yes"], sorted(item["Live Migratable"] for item in found))

    def test_show_of_what_is_no_pci_flavor(self):
        self.connection.compute.create_flavor(name="plain", vcpus=1, ram=256, disk=1)
        self.assert_refused(self.flavor_command("show", "plain"), "plain", "no PCI device")
        self.assert_refused(self.flavor_command("show", "gone"), "no flavor", "gone")


class TestChange(FlavorTestCase):
    def aliases_of(self, name: str) -> str | None:
        return self.in_nova(name)["extra_specs"].get(ALIAS)

    def unset(self, *arguments: str) -> Finished:
        return self.done("unset", *arguments, has_conf=False)

    def test_set_and_unset_one_alias_of_several(self):
        self.create("nic", "vf-yes", "--property", "hw:watchdog_action=reset")
        self.done("set", "nic", "--alias", "vf-any:2")
        self.assertEqual("vf-yes:1,vf-any:2", self.aliases_of("nic"))
        for _ in range(2):
            self.done("set", "nic", "--alias", "vf-any")
            self.assertEqual("vf-yes:1,vf-any:1", self.aliases_of("nic"))
        for _ in range(2):
            self.unset("nic", "--alias", "vf-yes")
            self.assertEqual("vf-any:1", self.aliases_of("nic"))
        self.done("set", "nic", "--no-alias", "--alias", "vf-no")
        self.assertEqual("vf-no:1", self.aliases_of("nic"))
        self.unset("nic", "--alias", "vf-no")
        self.assertEqual({"hw:watchdog_action": "reset"}, self.in_nova("nic")["extra_specs"])

    def test_policy_and_trait(self):
        self.create("nic", "vf-yes")
        self.done("set", "nic", "--group-policy", "isolate", "--host-trait")
        self.assertEqual(
            {ALIAS: "vf-yes:1", "group_policy": "isolate", HOST_TRAIT: "required"},
            self.in_nova("nic")["extra_specs"],
        )
        done = self.done("set", "nic", "--no-alias", "--alias", "vf-no")
        self.assertIn("still asks for hosts", done.errors)
        self.done("set", "nic", "--host-trait")
        self.assertEqual("forbidden", self.in_nova("nic")["extra_specs"][HOST_TRAIT])
        self.unset("nic", "--group-policy", "--host-trait")
        self.assertEqual({ALIAS: "vf-no:1"}, self.in_nova("nic")["extra_specs"])

    def test_dry_run_prints_the_change_and_makes_none(self):
        self.create("nic", "vf-yes", "--group-policy", "none")
        done = self.done("set", "nic", "--alias", "vf-any", "--dry-run")
        self.assertEqual(f"set {ALIAS}=vf-yes:1,vf-any:1\n", done.output)
        done = self.unset("nic", "--alias", "vf-yes", "--group-policy", "--dry-run")
        self.assertEqual(f"unset group_policy\nunset {ALIAS}\n", done.output)
        self.assertEqual(
            {ALIAS: "vf-yes:1", "group_policy": "none"}, self.in_nova("nic")["extra_specs"]
        )

    def test_a_flavor_in_use_keeps_its_devices(self):
        self.create("nic", "vf-any")
        self.boot(self.in_nova("nic")["id"])
        change = ("set", "nic", "--no-alias", "--alias", "vf-yes")
        self.assert_refused(self.flavor_command(*change), "1 server,", "'nic'", "--force")
        self.assertEqual("vf-any:1", self.aliases_of("nic"))
        self.done("set", "nic", "--alias", "vf-any:1")  # no change
        self.done("set", "nic", "--group-policy", "none")
        self.done(*change, "--force")
        shown = self.done("show", "nic", "-f", "json").json()
        self.assertEqual((1, 1), (shown["server_count"], shown["outdated_server_count"]))

    def test_an_alias_that_is_not_defined(self):
        self.create("nic", "vf-any")
        self.assert_refused(self.flavor_command("set", "nic", "--alias", "gone"), "gone")
        self.assertEqual("vf-any:1", self.aliases_of("nic"))
