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

"""The versions of the libvirt and the QEMU that run, or why they are unknown."""

from tests.unit.compute.host.probes import VERSIONS, ProbeCase
from vfio_lm.compute.host.hypervisor import hypervisor_versions
from vfio_lm.compute.host.unknowns import NotKnownError


class TestHypervisorVersions(ProbeCase):
    def test_virsh_that_prints_something_else_is_unknown(self):
        self.options["show_versions"] = lambda: "Verwendete Bibliothek: libvirt 9.0.0"
        self.assertIn("did not tell", self.probe().unknown["qemu_version"])

    def test_the_library_of_virsh_is_not_what_runs(self):
        self.options["show_versions"] = lambda: VERSIONS.replace(
            "Running against daemon: 9.0.1", ""
        )
        facts = self.probe()
        self.assertIsNone(facts.libvirt_version)
        self.assertIsNone(facts.qemu_version)

    def test_a_support_bundle_does_not_tell_what_runs(self):
        said = str(self.assertRaises(NotKnownError, hypervisor_versions, self.sysfs))
        self.assertIn("support bundle", said)
