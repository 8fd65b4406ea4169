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

"""Loading the plugin costs the ``openstack`` command next to nothing."""

import subprocess
import sys

import testtools

_LOAD = """
import importlib.metadata, sys
import osc_lib.command.command
before = set(sys.modules)
for group in ("openstack.cli.extension", "openstack.cli.server_migrate", "openstack.vfio.v1"):
    for entry in importlib.metadata.entry_points(group=group):
        if entry.value.startswith("osc_vfio_lm"):
            entry.load()
print(" ".join(sorted(set(sys.modules) - before)))
"""

#: Modules of the library that import nothing but the standard library.
_LIGHT = {
    "vfio_lm",
    "vfio_lm.command_line",
    "vfio_lm.errors",
    "vfio_lm.polling",
    "vfio_lm.progress_line",
    "vfio_lm.quoting",
    "vfio_lm.text",
}


class TestPluginLoad(testtools.TestCase):
    def test_no_command_module_imports_anything_heavy(self):
        done = subprocess.run(
            [sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True
        )
        loaded = done.stdout.split()
        self.assertIn("osc_vfio_lm.migration.check", loaded)
        self.assertIn("osc_vfio_lm.hooks", loaded)
        ours = {name for name in loaded if name.split(".")[0] == "vfio_lm"}
        self.assertEqual(set(), ours - _LIGHT)
        roots = {name.split(".")[0] for name in loaded}
        heavy = {"openstack", "lxml", "libvirt", "keystoneauth1", "oslo_config", "jsonschema"}
        self.assertEqual(set(), roots & heavy)
