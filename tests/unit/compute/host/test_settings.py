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

"""What a compute host's own nova.conf sets, nova's defaults, and the host's name."""

from nova.conf import libvirt as nova_libvirt

from tests.unit.compute.host.probes import NOW, ProbeCase
from vfio_lm.compute.host.probe import HostProbe
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.nova_conf import NovaConf


class TestSettings(ProbeCase):
    def test_what_a_compute_hosts_nova_conf_leaves_out_has_novas_default(self):
        self.options["conf"] = NovaConf((), {}, None)
        facts = self.probe()
        self.assertEqual((False, 500), (facts.permits_post_copy, facts.downtime_ms))

    def test_those_defaults_are_novas(self):
        options = {
            opt.name: opt.default for opt in nova_libvirt.list_opts()[nova_libvirt.libvirt_group]
        }
        facts = HostProbe(self.sysfs, conf=NovaConf((), {}, None)).host("host1", NOW)
        self.assertEqual(options["live_migration_downtime"], facts.downtime_ms)
        self.assertEqual(options["live_migration_permit_post_copy"], facts.permits_post_copy)
        self.assertEqual(options["live_migration_timeout_action"], facts.timeout_action)
        connections = options["live_migration_parallel_connections"]
        self.assertEqual(connections, facts.parallel_connections)

    def test_the_hosts_name(self):
        def name(conf):
            return HostProbe(self.sysfs, conf=conf).host(None, NOW).host

        self.assertEqual("compute1", name(NovaConf((), {}, None, host="compute1")))
        self.tree.write("proc/sys/kernel/hostname", "node7\n")
        self.assertEqual("node7", name(None))

    def test_a_bundle_without_name_is_refused_with_a_way_out(self):
        probe = HostProbe(self.sysfs)
        self.assertIn("--host", str(self.assertRaises(NotKnownError, probe.host, None, NOW)))
