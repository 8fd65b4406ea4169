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

"""Credentials come from one place; a gap in them is one sentence. No service is asked."""

import json
import pathlib

import fixtures
import testtools

from placement_sync.agent.credentials import load_adapters
from placement_sync.agent.settings import parse_arguments
from vfio_lm.errors import ConfigError

_PASSWORD = """
auth_type = password
auth_url = http://{name}.example/v3
username = {name}
password = secret
project_name = service
user_domain_id = default
project_domain_id = default
"""


class TestCredentials(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.nova_conf = self.folder / "nova.conf"
        self.api = "api_nova_conf = /etc/nova/nova.conf"

    def section(self, name, more=""):
        return "[placement]\n" + _PASSWORD.format(name=name) + more + "\n"

    def load(self, text="", nova_conf="[pci]\n", more=""):
        """Load with an agent's configuration that names one nova.conf."""
        self.nova_conf.write_text(nova_conf)
        own = f"[vfio_placement_sync]\nnova_conf = {self.nova_conf}\n{more}\n"
        return self.load_only(own + text)

    def load_only(self, text):
        path = self.folder / "agent.conf"
        path.write_text(text)
        return load_adapters(parse_arguments(["--config-file", str(path)]))

    def refusal(self, *args, **kwargs):
        return str(self.assertRaises(ConfigError, self.load, *args, **kwargs))

    def test_on_a_compute_host_they_are_those_of_nova(self):
        adapters = self.load(nova_conf=self.section("nova", "region_name = Two"))
        self.assertEqual("http://nova.example/v3", adapters.placement.auth.auth_url)
        self.assertEqual("Two", adapters.placement.region_name)
        self.assertEqual("placement", adapters.placement.service_type)
        self.assertEqual("compute", adapters.compute.service_type)

    def test_an_own_section_comes_before_that_of_nova(self):
        adapters = self.load(self.section("own"), self.section("nova"))
        self.assertEqual("http://own.example/v3", adapters.placement.auth.auth_url)

    def test_a_request_may_not_take_for_ever(self):
        session = self.load(nova_conf=self.section("nova")).placement.session
        self.assertEqual(60, session.timeout)
        session = self.load(nova_conf=self.section("nova", "timeout = 5")).placement.session
        self.assertEqual(5, session.timeout)

    def test_all_requests_of_a_round_end_with_it(self):
        adapters = self.load(nova_conf=self.section("nova"))
        adapters.begin_round(123.0)
        transport = adapters.placement.session.session.get_adapter("https://keystone")
        self.assertEqual(123.0, transport.end)
        with adapters.ending_by(5.0):
            self.assertEqual(5.0, transport._clock.latest)
        self.assertEqual(float("inf"), transport._clock.latest)

    def test_flavors_need_a_client_of_nova_in_the_same_region(self):
        adapters = self.load(nova_conf=self.section("nova", "region_name = Two"), more=self.api)
        self.assertEqual("compute", adapters.compute.service_type)
        self.assertEqual("Two", adapters.compute.region_name)
        self.assertIs(adapters.placement.session, adapters.compute.session)

    def test_services_log_a_mark_of_each_round(self):
        adapters = self.load(nova_conf=self.section("nova"), more=self.api)
        marks = set()
        for _ in range(2):
            adapters.begin_round(float("inf"))
            marks.add(adapters.placement.global_request_id)
            self.assertEqual(
                adapters.placement.global_request_id, adapters.compute.global_request_id
            )
        self.assertEqual(2, len(marks))

    def test_a_cloud_of_clouds_yaml(self):
        clouds = self.folder / "clouds.yaml"
        auth = {
            "auth_url": "http://cloud.example/v3",
            "username": "u",
            "password": "p",
            "project_name": "p",
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        clouds.write_text(json.dumps({"clouds": {"mine": {"auth": auth, "region_name": "R"}}}))
        self.useFixture(fixtures.EnvironmentVariable("OS_CLIENT_CONFIG_FILE", str(clouds)))
        adapters = self.load(self.section("own"), more="cloud = mine")
        self.assertEqual("R", adapters.placement.region_name)
        self.assertEqual(60, adapters.placement.session.timeout)
        self.assertEqual("http://cloud.example/v3", adapters.placement.session.auth.auth_url)
        refusal = self.refusal(more="cloud = other")
        self.assertIn("clouds.yaml: [vfio_placement_sync]cloud: other: ", refusal)

    def test_a_nova_conf_without_credentials(self):
        self.assertEqual(
            f"{self.nova_conf}: [placement]auth_type: is not set, so there are no credentials: is "
            "this the nova.conf of nova-compute? Or name a cloud of clouds.yaml in "
            "[vfio_placement_sync]cloud",
            self.refusal(),
        )

    def test_files_of_many_hosts_are_not_searched_for_credentials(self):
        text = f"[vfio_placement_sync]\nnova_conf_dir = {self.folder}\n"
        refusal = str(self.assertRaises(ConfigError, self.load_only, text))
        self.assertIn("agent.conf: [placement]auth_type: is not set", refusal)

    def test_credentials_with_a_gap(self):
        text = "[placement]\nauth_type = password\nusername = nova\n"
        self.assertEqual(
            f"{self.nova_conf}: [placement]: lacks what auth_type needs: auth_url",
            self.refusal(nova_conf=text).replace("auth-url", "auth_url"),
        )

    def test_a_value_that_has_swallowed_the_line_below_it_is_not_sent_to_keystone(self):
        for line in ("auth_url = http://h/v3", "region_name = R", "auth_type = password"):
            refusal = self.refusal(nova_conf=f"[placement]\n{line}\n  mellon\nauth_type = none\n")
            self.assertIn(f"{self.nova_conf}:2: [placement]: the value has several lines", refusal)
            self.assertNotIn("mellon", refusal)

    def test_an_unknown_way_to_authenticate(self):
        refusal = self.refusal(nova_conf="[placement]\nauth_type = passwort\n")
        self.assertIn("[placement]auth_type: passwort: is not one of ", refusal)
        self.assertIn("v3applicationcredential", refusal)

    def test_credentials_in_another_section(self):
        text = self.section("nova").replace("[placement]", "[keystone_authtoken]")
        adapters = self.load(nova_conf=text + "[placement]\nauth_section = keystone_authtoken\n")
        self.assertEqual("http://nova.example/v3", adapters.placement.auth.auth_url)
        text = "[placement]\nauth_section = keystone_authtoken\n"
        self.assertIn("[keystone_authtoken]auth_type: None: is not", self.refusal(nova_conf=text))

    def test_an_unknown_interface(self):
        refusal = self.refusal(nova_conf=self.section("nova", "valid_interfaces = inside"))
        self.assertIn(f"{self.nova_conf}: [placement]: 'inside' is not a valid value", refusal)

    def test_the_usual_nova_conf_is_not_there(self):
        missing = str(self.folder / "missing.conf")
        for module in ("credentials", "settings"):
            name = f"placement_sync.agent.{module}.DEFAULT_NOVA_CONF"
            self.useFixture(fixtures.MonkeyPatch(name, missing))
        error = self.assertRaises(ConfigError, self.load_only, "[vfio_placement_sync]\n")
        self.assertIn(f"{missing}: does not exist: run this on a compute host, or", str(error))

    def test_a_nova_conf_that_cannot_be_read(self):
        refusal = self.refusal(nova_conf="[broken\n")
        self.assertIn(f"{self.nova_conf}: not a configuration file", refusal)
        more = "nova_conf = /nowhere/nova.conf"
        self.assertIn("/nowhere/nova.conf: cannot be read: No such file", self.refusal(more=more))
