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

"""The installed nova-compute is started with its own arguments, and without haste."""

import os
import subprocess
import sys

import testtools

# Without what measures the tests' coverage: it would import modules by itself.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if "COVERAGE" not in name} | {
    "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
    "PYTHONWARNINGS": "ignore",
}


def run(script, *arguments):
    """Run a script in an interpreter that has not imported nova yet."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


class TestStart(testtools.TestCase):
    def test_nothing_of_nova_is_imported_before_nova_chooses_its_threads(self):
        finished = run("import sys, vfio_lm.inside_nova.nova_compute; print(*sys.modules)")
        modules = {name.partition(".")[0] for name in finished.stdout.split()}
        self.assertIn("vfio_lm", modules)
        heavy = {"nova", "eventlet", "oslo_config", "oslo_log", "lxml", "logging", "threading"}
        self.assertEqual(set(), heavy & modules)

    def test_the_installed_nova_compute_gets_the_arguments(self):
        script = "from vfio_lm.inside_nova.nova_compute import main; main()"
        finished = run(script, "--help")
        self.assertEqual(0, finished.returncode, finished.stderr)
        self.assertIn("usage: nova-compute ", finished.stdout)

    def test_an_environment_without_nova(self):
        finished = run(
            "import sys; sys.modules['nova'] = None\n"
            "from vfio_lm.inside_nova.nova_compute import main; sys.exit(main())"
        )
        self.assertEqual(1, finished.returncode)
        self.assertIn("has no nova: install vfio-lm where nova is", finished.stderr)
