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

"""Ansible goes through the whole role without changing anything, for each layout.

The packages of the distribution are left out: for a dry run apt needs a module of its own.
"""

from typing import ClassVar

from tests.unit.operations.test_ansible import LAYOUTS, RoleTestCase

_DRY_RUN = ("--check", "--skip-tags", "packages")


class TestDryRun(RoleTestCase):
    #: Of each layout one.
    compute_hosts: ClassVar = {name: {"vfio_lm_layout": name} for name in LAYOUTS}

    def test_each_layout(self):
        said = self.play(*_DRY_RUN)
        for name in LAYOUTS:
            self.assertRegex(said, rf"{name} +: ok=.* failed=0 ")
        self.assertNotIn(self.variables["vfio_lm_password"], said)
        self.assertEqual([], [*self.folder.glob("kolla/*"), *self.folder.glob("output/*")])


class TestOptions(RoleTestCase):
    compute_hosts: ClassVar = {"compute1": {}}

    def test_all_that_can_be_turned_on(self):
        wheel = self.folder / "openstack_vfio_lm-1-py3-none-any.whl"
        wheel.touch()
        said = self.play(
            *_DRY_RUN,
            vfio_lm_backend_package="etcd3gw",
            vfio_lm_backend_url="etcd3+http://127.0.0.1:2379",
            vfio_lm_cafile="/etc/ssl/ca.pem",
            vfio_lm_constraints="/etc/constraints.txt",
            vfio_lm_index_url="https://index.example.com/simple",
            vfio_lm_manage_flavors=True,
            vfio_lm_nova_venv="/opt/nova",
            vfio_lm_report_in_placement=True,
            vfio_lm_report_in_placement_is_for_ever=True,
            vfio_lm_wheel=str(wheel),
        )
        self.assertIn("report_in_placement is turned on, and cannot be turned off again", said)
