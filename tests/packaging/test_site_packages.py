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

"""The file in site-packages comes and goes with the package, and is inert until turned on."""

import importlib.metadata
import sysconfig

from tests.packaging import site_cases
from tests.packaging.site_cases import PTH, run
from vfio_lm.inside_nova import switch

_MODULES = "import sys; print(*sorted(sys.modules))"


class TestSitePackages(site_cases.SitePackages):
    def modules(self, **variables):
        """What a program has that imports nothing."""
        return set(run(self.python, "-c", _MODULES, **variables).stdout.split())

    def test_the_package_owns_it(self):
        python = site_cases.install(site_cases.wheel(), self.folder / "other")
        (site,) = self.folder.glob("other/lib/python3*/site-packages")
        self.assertTrue((site / PTH).is_file())
        site_cases.pip(python, "uninstall", "--quiet", "--yes", "openstack-vfio-lm")
        self.assertFalse((site / PTH).exists())

    def test_an_editable_installation_has_it_too(self):
        # not the egg-info that a build leaves in the tree
        places = [sysconfig.get_path("purelib")]
        found = importlib.metadata.Distribution.discover(name="openstack-vfio-lm", path=places)
        self.assertIn(PTH, [str(file) for each in found for file in each.files or ()])

    def test_it_imports_nothing_where_it_is_not_turned_on(self):
        with_it = self.modules()
        (self.site / PTH).rename(self.folder / PTH)
        self.addCleanup((self.folder / PTH).rename, self.site / PTH)
        self.assertEqual(self.modules(), with_it)

    def test_other_programs_import_next_to_nothing_where_it_is(self):
        new = self.modules(VFIO_LM_CORRECTIONS="all") - self.modules()
        self.assertEqual({"vfio_lm", "vfio_lm.inside_nova", switch.__name__}, new - {"__future__"})

    def test_it_looks_for_the_file_and_the_variable_that_are_documented(self):
        text = (self.site / PTH).read_text()
        self.assertIn(f'"{switch.PATH}"', text)
        self.assertIn(f'"{switch.VARIABLE}"', text)


class TestNovaCompute(site_cases.NovaCompute):
    pass
