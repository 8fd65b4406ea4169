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

"""The Ansible role writes what nova and our reader understand, and refuses what is wrong.

``tox -e packaging`` lets Ansible go through all of it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from typing import ClassVar

import fixtures
import testtools
import yaml

from vfio_lm.compute.layout.table import BY_NAME
from vfio_lm.pci import LiveMigratable, read_nova_conf

_ROOT = pathlib.Path(__file__).parents[3] / "contrib" / "ansible"
_PLAYBOOK = _ROOT / "vfio-live-migration.yaml"
_ROLE = _ROOT / "roles" / "vfio_lm"
_ANSIBLE = pathlib.Path(sys.executable).with_name("ansible-playbook")
LAYOUTS = yaml.safe_load((_ROLE / "vars" / "main.yaml").read_text())["vfio_lm_layouts"]

_DEVICE_SPEC = {"vendor_id": "15b3", "product_id": "101e", "live_migratable": "yes"}
_ALIAS = {"name": "cx7-vf", "device_type": "type-VF", **_DEVICE_SPEC}
_HOSTS = ("compute1", "compute2", "controller1")


class RoleTestCase(testtools.TestCase):
    compute_hosts: ClassVar = {"compute1": {"vfio_lm_device_specs": [_DEVICE_SPEC]}, "compute2": {}}

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.variables = {
            "ansible_python_interpreter": sys.executable,
            "vfio_lm_aliases": [_ALIAS],
            "vfio_lm_auth_url": "https://keystone.example.com/v3",
            "vfio_lm_kolla_config": str(self.folder / "kolla"),
            "vfio_lm_output": str(self.folder / "output"),
            "vfio_lm_password": "cost$less",
        }

    def play(self, *arguments, status=0, **variables):
        """Play it on hosts that are all this machine; return what is printed."""
        inventory = {
            "compute": {"hosts": self.compute_hosts},
            "control": {"hosts": {"controller1": {}}},
            "all": {"vars": self.variables | variables},
        }
        path = self.folder / "inventory.yaml"
        # JSON is YAML
        path.write_text(json.dumps(inventory))
        finished = subprocess.run(
            [_ANSIBLE, "-i", path, "--connection", "local", *arguments, _PLAYBOOK],
            env=os.environ
            | {"ANSIBLE_HOME": str(self.folder / "ansible"), "ANSIBLE_PIPELINING": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(status, finished.returncode, finished.stdout + finished.stderr)
        return finished.stdout


class TestVariables(testtools.TestCase):
    def test_every_default_has_a_sentence(self):
        text = (_ROLE / "defaults" / "main.yaml").read_text()
        alone = re.findall(r"(?<!\n)\n(?!#)(vfio_lm_\w+):", f"\n{text}".replace("\n\n", "\n\n\n"))
        without = [name for name in alone if not re.search(rf"# .*\n(vfio_lm_.*\n)*{name}:", text)]
        self.assertEqual([], without)

    def test_every_variable_has_a_default(self):
        known = set(yaml.safe_load((_ROLE / "defaults" / "main.yaml").read_text()))
        known |= set(yaml.safe_load((_ROLE / "vars" / "main.yaml").read_text()))
        files = [*_ROLE.rglob("*.yaml"), *_ROLE.rglob("*.j2"), _PLAYBOOK]
        texts = [path.read_text() for path in files]
        known |= {name for text in texts for name in re.findall(r"register: (\w+)", text)}
        used = {name for text in texts for name in re.findall(r"\bvfio_lm_\w+", text)}
        self.assertEqual(set(), used - known)

    def test_the_layouts_are_those_of_the_helper(self):
        self.assertEqual(set(BY_NAME), set(LAYOUTS))
        for name, layout in BY_NAME.items():
            if layout.hooks is not None:
                self.assertEqual(layout.hooks, LAYOUTS[name]["hooks"], name)

    def test_the_first_sentence_names_every_layout(self):
        text = (_ROLE / "defaults" / "main.yaml").read_text().partition("vfio_lm_layout:")[0]
        named = set(re.findall(r"[a-z-]+", text)) & set(LAYOUTS)
        self.assertEqual(set(LAYOUTS), named)


class TestRefusals(RoleTestCase):
    def test_an_unknown_layout_is_refused_with_those_that_are_known(self):
        said = self.play("--check", status=2, vfio_lm_layout="kolla")
        self.assertIn("vfio_lm_layout is 'kolla': set it to one of distribution, ", said)

    def test_reporting_in_placement_is_refused_without_knowing_that_it_stays(self):
        said = self.play("--check", status=2, vfio_lm_report_in_placement=True)
        self.assertIn("vfio_lm_report_in_placement cannot be turned off again", said)


class TestSettings(RoleTestCase):
    def settings(self, layout, **variables):
        first = ("--tags", "settings")
        self.play(*first, vfio_lm_layout=layout, **variables)
        self.assertNotIn("changed=1", self.play(*first, vfio_lm_layout=layout, **variables))

    def check(self, confs, *, is_in_placement=False):
        for host, conf in confs.items():
            self.assertEqual(["cx7-vf"], list(conf.aliases), host)
            self.assertEqual(is_in_placement, bool(conf.pci_in_placement), host)
        (spec,) = confs["compute1"].device_specs
        self.assertIs(LiveMigratable.YES, spec.live_migratable)
        self.assertIsNone(confs["compute2"].device_specs)

    def test_kolla_merges_the_settings_of_each_host(self):
        self.settings("kolla-docker")
        paths = {host: self.folder / "kolla" / "nova" / host / "nova.conf" for host in _HOSTS}
        self.check({host: read_nova_conf([path]) for host, path in paths.items()})
        self.assertNotIn(
            "report_in_placement", "".join(map(pathlib.Path.read_text, paths.values()))
        )

    def test_edpm_gets_a_config_map_for_each_host(self):
        wanted = {f"vfio_lm_report_in_placement{each}": True for each in ("", "_is_for_ever")}
        self.settings("edpm", **wanted)
        confs = {}
        for host in _HOSTS:
            config_map = yaml.safe_load((self.folder / "output" / f"{host}.yaml").read_text())
            path = self.folder / f"{host}.conf"
            path.write_text(config_map["data"]["25-nova-vfio-lm.conf"])
            confs[host] = read_nova_conf([path])
        self.check(confs, is_in_placement=True)
        text = (self.folder / "compute1.conf").read_text()
        self.assertIn("live_migration_permit_post_copy = false", text)

    def test_openstack_helm_gets_values(self):
        self.settings("openstack-helm")
        values = yaml.safe_load((self.folder / "output" / "compute1.yaml").read_text())
        nova = values["conf"]["nova"]
        specs, aliases = (nova["pci"][each]["values"] for each in ("device_spec", "alias"))
        self.assertEqual([_DEVICE_SPEC], [json.loads(each) for each in specs])
        self.assertEqual([_ALIAS], [json.loads(each) for each in aliases])
        self.assertIs(False, nova["libvirt"]["live_migration_permit_post_copy"])
