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

"""``vfio-lm-host layout`` shows the places of a host, or why one is unknown."""

from __future__ import annotations

import json
import pathlib

import fixtures
import testtools

from tests.unit.compute.layout import hosts
from tests.unit.compute.runs import run
from vfio_lm.compute.commands.layout import UNKNOWN
from vfio_lm.compute.layout.table import BY_NAME


class TestLayout(testtools.TestCase):
    def root(self, name: str) -> pathlib.Path:
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        hosts.build(root, name, ("0000:81:00.1", "0000:81:00.2"))
        return root

    def test_all_is_known(self) -> None:
        root = self.root("sunbeam")
        status, output, _ = run("layout", "--root", root)
        self.assertEqual(0, status)
        self.assertIn("sunbeam: Sunbeam: the snap openstack-hypervisor\n", output)
        self.assertIn(f"{root}/var/snap/openstack-hypervisor/common/log/libvirt/qemu", output)

    def test_something_is_unknown(self) -> None:
        status, output, _ = run("layout", "--root", self.root("kolla-docker"))
        self.assertEqual(UNKNOWN, status)
        self.assertIn("unknown: /var/log/libvirt/qemu in the container nova_libvirt", output)

    def test_as_json(self) -> None:
        root = self.root("kolla-docker")
        fields = json.loads(run("layout", "--root", root, "-f", "json")[1])
        self.assertEqual("kolla-docker", fields["layout"])
        self.assertEqual([f"{root}/etc/kolla/nova-compute/nova.conf"], fields["nova_conf"])
        self.assertEqual((None, {"logs"}), (fields["logs"], set(fields["unknown"])))

    def test_another_is_named(self) -> None:
        root = self.root("devstack")
        fields = json.loads(run("layout", "--root", root, "--layout", "edpm", "-f", "json")[1])
        self.assertEqual(("edpm", {"nova_conf"}), (fields["layout"], set(fields["unknown"])))

    def test_the_help_names_every_one(self) -> None:
        output = run("layout", "--help")[1]
        self.assertEqual([], [name for name in BY_NAME if name not in output])
