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

"""The Ansible example writes files that nova, and our own reader, understand."""

import json
import os
import pathlib
import subprocess
import sys

import fixtures
import testtools

from vfio_lm.pci import LiveMigratable, read_nova_conf

_PLAYBOOK = pathlib.Path(__file__).parents[3] / "etc" / "ansible" / "vfio-live-migration.yaml"
_ANSIBLE = pathlib.Path(sys.executable).with_name("ansible-playbook")

_INVENTORY = {
    "compute": {
        "hosts": {
            "compute1": {
                "vfio_device_specs": [
                    {"vendor_id": "15b3", "product_id": "101e", "live_migratable": "yes"}
                ]
            },
            "compute2": {},
        }
    },
    "control": {"hosts": {"controller1": {}}},
    "all": {
        "vars": {
            "vfio_aliases": [
                {
                    "name": "cx7-vf",
                    "vendor_id": "15b3",
                    "product_id": "101e",
                    "device_type": "type-VF",
                    "live_migratable": "yes",
                }
            ]
        }
    },
}


class TestPlaybook(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        inventory = self.folder / "inventory.yaml"
        # JSON is YAML
        inventory.write_text(json.dumps(_INVENTORY))
        self.inventory = str(inventory)

    def _play(self, *arguments: str) -> str:
        finished = subprocess.run(
            [_ANSIBLE, "-i", self.inventory, *arguments, _PLAYBOOK],
            env=os.environ | {"ANSIBLE_HOME": str(self.folder / "ansible")},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
        return finished.stdout

    def test_ansible_takes_it(self):
        self._play("--syntax-check")

    def test_each_host_gets_its_own_settings_and_a_second_run_changes_nothing(self):
        target = self.folder / "config"
        first = (
            "--tags",
            "nova_conf",
            "--connection",
            "local",
            "--extra-vars",
            json.dumps(
                {"node_custom_config": str(target), "ansible_python_interpreter": sys.executable}
            ),
        )
        self._play(*first)
        confs = {
            host: read_nova_conf([target / "nova" / host / "nova.conf"])
            for host in ("compute1", "compute2", "controller1")
        }
        for host, conf in confs.items():
            self.assertEqual(["cx7-vf"], list(conf.aliases), host)
            self.assertTrue(conf.pci_in_placement, host)
        (spec,) = confs["compute1"].device_specs
        self.assertIs(LiveMigratable.YES, spec.live_migratable)
        self.assertIsNone(confs["compute2"].device_specs)
        self.assertNotIn("changed=1", self._play(*first))
