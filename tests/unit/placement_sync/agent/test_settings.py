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

"""Settings are complete, or refused with a line that names file, option, value and the way out."""

import os
import pathlib

import fixtures
import testtools

from placement_sync.agent.settings import parse_arguments, read_settings
from placement_sync.engine.sources import HostFolder, OwnHost
from vfio_lm.errors import ConfigError


class TestSettings(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.hosts = self.folder / "hosts"
        self.hosts.mkdir()
        self.path = self.folder / "agent.conf"

    def settings(self, text="", *arguments):
        self.path.write_text(text)
        return read_settings(parse_arguments(["--config-file", str(self.path), *arguments]))

    def own(self, text):
        return self.settings(f"[vfio_placement_sync]\n{text}\n")

    def refusal(self, text):
        return str(self.assertRaises(ConfigError, self.settings, text))

    def test_without_configuration_it_is_the_host_that_nova_compute_runs_on(self):
        settings = self.settings()
        self.assertEqual(OwnHost(paths=("/etc/nova/nova.conf",)), settings.source)
        self.assertEqual((60, 0.1, False), (settings.interval, settings.jitter, settings.is_once))
        self.assertEqual("127.0.0.1", settings.metrics_host)
        self.assertIsNone(settings.coordination)

    def test_one_host_with_several_files(self):
        settings = self.own(
            "nova_conf = /a.conf\nnova_conf = /b.d\nhypervisor_hostname = c1.example"
        )
        self.assertEqual(OwnHost(("/a.conf", "/b.d"), "c1.example", None), settings.source)

    def test_many_hosts(self):
        settings = self.own(f"nova_conf_dir = {self.hosts}\nhost_facts_dir = {self.folder}")
        self.assertEqual(HostFolder(str(self.hosts), str(self.folder)), settings.source)

    def test_a_dry_run_is_one_round(self):
        settings = self.settings("", "--dry-run")
        self.assertTrue(settings.is_dry_run)
        self.assertTrue(settings.is_once)

    def test_one_host_and_many_hosts_contradict_each_other(self):
        text = f"[vfio_placement_sync]\nnova_conf_dir = {self.hosts}\nnova_conf = /a.conf\n"
        self.assertEqual(
            f"{self.path}:3: [vfio_placement_sync]nova_conf: /a.conf: speaks of one host and "
            "cannot be set together with nova_conf_dir, which speaks of many: remove one of the "
            "two",
            self.refusal(text),
        )

    def test_facts_of_many_hosts_need_the_hosts(self):
        refusal = self.refusal("[vfio_placement_sync]\nhost_facts_dir = /facts\n")
        self.assertIn(f"{self.path}:2: [vfio_placement_sync]host_facts_dir: /facts: ", refusal)
        self.assertIn("set nova_conf_dir too, or host_facts", refusal)

    def test_a_folder_that_is_none(self):
        refusal = self.refusal("[vfio_placement_sync]\nnova_conf_dir = /nowhere\n")
        self.assertIn("[vfio_placement_sync]nova_conf_dir: /nowhere: is not a folder", refusal)

    def test_aliases_are_those_of_nova_api(self):
        api = self.folder / "nova.conf"
        api.write_text('[pci]\nalias = {"name": "vf", "vendor_id": "8086", "product_id": "1515"}\n')
        settings = self.own(f"nova_conf_dir = {self.hosts}\napi_nova_conf = {api}")
        self.assertEqual(["vf"], list(settings.aliases))
        self.assertIsNone(self.settings().aliases)

    def test_flavors_belong_to_the_whole_cloud(self):
        refusal = self.refusal("[vfio_placement_sync]\napi_nova_conf = /etc/nova/nova.conf\n")
        self.assertIn("[vfio_placement_sync]api_nova_conf: /etc/nova/nova.conf: is only", refusal)
        refusal = self.refusal("[vfio_placement_sync]\nmanage_flavors = yes\n")
        self.assertIn("manage_flavors: True: needs to know the aliases of nova-api", refusal)

    def test_a_wrong_value_is_named_with_its_line(self):
        for option, value, reason in (
            ("interval", "often", "invalid literal"),
            ("interval", "0", "greater than or equal to 1"),
            ("jitter", "0.7", "less than or equal to 0.5"),
            ("metrics_port", "77777", "less than or equal to 65535"),
            ("manage_flavors", "perhaps", "Unexpected boolean value"),
        ):
            refusal = self.refusal(f"\n[vfio_placement_sync]\n{option} = {value}\n")
            place = f"{self.path}:3: [vfio_placement_sync]{option}: {value}: "
            self.assertTrue(refusal.startswith(place), refusal)
            self.assertIn(reason, refusal)
            self.assertNotIn("\n", refusal)

    def test_a_misspelt_option_is_not_passed_over(self):
        self.assertEqual(
            f"{self.path}:2: [vfio_placement_sync]intervall: there is no such option: is interval "
            "meant?",
            self.refusal("[vfio_placement_sync]\nintervall = 5\n"),
        )

    def test_what_is_no_configuration_file(self):
        self.assertIn(f"{self.path}: not a configuration file", self.refusal("[broken\n"))

    def test_the_line_that_is_no_configuration_may_be_a_password_and_is_not_quoted(self):
        self.assertNotIn("mellon", self.refusal("[placement]\nmellon\n"))

    def test_a_file_that_does_not_exist(self):
        arguments = ["--config-file", str(self.folder / "none.conf")]
        refusal = str(self.assertRaises(ConfigError, parse_arguments, arguments))
        self.assertIn("none.conf", refusal)

    def test_a_pipe_or_a_file_without_an_end_is_not_waited_for(self):
        os.mkfifo(self.path)
        for path, kind in ((str(self.path), "a pipe"), ("/dev/zero", "a device")):
            for arguments in (["--config-file", path], [f"--config-file={path}"]):
                refusal = str(self.assertRaises(ConfigError, parse_arguments, arguments))
                self.assertEqual(f"{path}: is {kind}, not a regular file", refusal)

    def test_a_value_that_has_swallowed_a_password_is_not_quoted(self):
        for text in (
            "[DEFAULT]\ndebug = true\n  password = mellon\n",
            "[vfio_placement_sync]\ninterval = 5\n  mellon\n",
            "[vfio_placement_sync]\nmellon== \n",
        ):
            refusal = self.refusal(text)
            self.assertIn(f"{self.path}:2: [", refusal)
            self.assertNotIn("mellon", refusal)

    def test_a_value_that_refers_to_an_option_that_is_not_there(self):
        refusal = self.refusal("[DEFAULT]\nlog_dir = $state_path/log\n")
        self.assertEqual(
            f"{self.path}: [DEFAULT]: no such option state_path in group [DEFAULT]", refusal
        )
        refusal = self.refusal("[DEFAULT]\nlog_file = $mellon\n  password = x\n")
        self.assertNotIn("mellon", refusal)

    def central(self, coordination, interval=60):
        return (
            f"[vfio_placement_sync]\nnova_conf_dir = {self.hosts}\ninterval = {interval}\n"
            f"[coordination]\n{coordination}\n"
        )

    def test_a_backend_is_where_agents_meet(self):
        found = self.settings(self.central("backend_url = etcd3+http://e:1", 10)).coordination
        self.assertEqual(("etcd3+http://e:1?timeout=5", 5), (found.backend_url, found.timeout))
        self.assertEqual("vfio-placement-sync", found.group)
        self.assertIsNone(self.settings(self.central("", 10)).coordination)

    def test_a_wrong_url_is_named_with_its_line_and_without_its_password(self):
        for url in (
            "redis://:canary@r?timeout=soon",
            "redis://:mel#lon@r:1",
            "redis://:mel\u2100lon@r",
        ):
            refusal = self.refusal(self.central(f"backend_url = {url}"))
            self.assertIn(f"{self.path}:5: [coordination]backend_url: ", refusal)
            self.assertNotRegex(refusal, "canary|mel|lon|\u2100")

    def test_a_nova_conf_given_as_configuration_is_that_of_the_host(self):
        text = "[pci]\nreport_in_placement = true\n"
        self.assertEqual((str(self.path),), self.settings(text).source.paths)

    def test_sections_that_the_agent_reads_itself_do_not_make_a_nova_conf(self):
        text = (
            "[DEFAULT]\ndebug = true\n[placement]\nauth_section = keystone\n"
            "[keystone]\nusername = u\n[nova]\nregion_name = r\n"
        )
        self.assertEqual(("/etc/nova/nova.conf",), self.settings(text).source.paths)

    def test_a_nova_conf_that_is_named_comes_before_one_that_is_given(self):
        text = "[pci]\n[vfio_placement_sync]\nnova_conf = /a.conf\n"
        self.assertEqual(("/a.conf",), self.settings(text).source.paths)

    def test_one_host_is_not_shared(self):
        refusal = self.refusal("[coordination]\nbackend_url = redis://:secret@r\n")
        self.assertIn("set [vfio_placement_sync]nova_conf_dir, or remove this", refusal)
        self.assertNotIn("secret", refusal)

    def test_what_cannot_change_while_the_agent_runs_is_taken_from_the_old_settings(self):
        old = self.own("metrics_port = 1\ninterval = 5")
        new = self.own("metrics_port = 2\ninterval = 6")
        self.assertNotEqual(old.fixed, new.fixed)
        kept = new.with_fixed_of(old)
        self.assertEqual((1, 6), (kept.metrics_port, kept.interval))
