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

"""Nova's functions are corrected when nova itself imports them, after it has read its options."""

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


_CORRECT = (
    "from vfio_lm.inside_nova.corrections import CORRECTIONS, correct_when_imported\n"
    "import sys\n"
    "def is_corrected(function): return 'vfio' in function.__code__.co_filename\n"
)


class TestCorrectWhenImported(testtools.TestCase):
    def test_nova_corrects_its_functions_when_it_loads_manager_and_driver(self):
        finished = run(
            f"{_CORRECT}"
            "correct_when_imported(CORRECTIONS)\n"
            "from nova.cmd import compute\n"
            "for each in CORRECTIONS: assert each.module not in sys.modules, each.module\n"
            "from nova.compute import manager\n"
            "from nova.virt.libvirt import driver\n"
            "assert is_corrected(manager.resource_tracker.ResourceTracker._move_claim)\n"
            "assert is_corrected(driver.LibvirtDriver._live_migration)\n"
            "assert is_corrected(driver.libvirt_migrate._update_pci_dev_xml)\n"
            "from nova.pci.manager import PciDevTracker\n"
            "assert is_corrected(PciDevTracker.claim_instance)\n"
            "assert not any('vfio_lm' in type(each).__module__ for each in sys.meta_path)\n"
        )
        self.assertEqual(0, finished.returncode, finished.stderr)

    def test_a_module_that_is_there_already_is_corrected_at_once(self):
        finished = run(
            f"{_CORRECT}"
            "from nova.virt.libvirt import migration\n"
            "assert not is_corrected(migration._update_pci_dev_xml)\n"
            "correct_when_imported(CORRECTIONS)\n"
            "assert is_corrected(migration._update_pci_dev_xml)\n"
        )
        self.assertEqual(0, finished.returncode, finished.stderr)

    def test_only_what_is_wanted_is_corrected(self):
        finished = run(
            f"{_CORRECT}"
            "correct_when_imported(each for each in CORRECTIONS if each.name == 'second-claim')\n"
            "from nova.virt.libvirt import migration\n"
            "from nova.pci.manager import PciDevTracker\n"
            "assert is_corrected(PciDevTracker.claim_instance)\n"
            "assert not is_corrected(migration._update_pci_dev_xml)\n"
        )
        self.assertEqual(0, finished.returncode, finished.stderr)
