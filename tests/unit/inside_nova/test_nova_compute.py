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

"""Nova's remap is replaced where it is wrong, and left alone where it is right or not known."""

import os
import subprocess
import sys
import types

import fixtures
import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from nova import exception
from nova.virt.libvirt import migration

from tests.unit.compute import domains
from vfio_lm.compute.domain.remap import remap
from vfio_lm.inside_nova import nova_compute
from vfio_lm.inside_nova.nova_compute import Outcome

A, B, C = "0000:81:00.1", "0000:81:00.2", "0000:81:01.7"
# Without what measures the tests' coverage: it would import modules by itself.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if "COVERAGE" not in name} | {
    "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
    "PYTHONWARNINGS": "ignore",
}


def module(function=None):
    """Return a module as nova's, with a function of the test's choosing."""
    made = types.ModuleType("migration")
    if function is not None:
        made._update_pci_dev_xml = function
    return made


def tree(domain):
    return etree.fromstring(domain.xml().encode())


def run(script, *arguments):
    """Run a script in an interpreter that has not imported nova yet."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


class TestCorrect(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.logs = self.useFixture(
            fixtures.FakeLogger("vfio_lm", format="%(levelname)s %(message)s")
        )

    def test_the_installed_function_is_wrong_and_replaced(self):
        mine = module(migration._update_pci_dev_xml)
        self.assertEqual(Outcome.CORRECTED, nova_compute.correct(mine))
        self.assertIs(nova_compute.update_pci_dev_xml, mine._update_pci_dev_xml)

    def test_a_function_that_is_right_stays(self):
        def right(xml_doc, pci_dev_map_src_dst):
            return nova_compute.update_pci_dev_xml(xml_doc, pci_dev_map_src_dst)

        mine = module(right)
        self.assertEqual(Outcome.RIGHT, nova_compute.correct(mine))
        self.assertIs(right, mine._update_pci_dev_xml)

    def test_a_function_that_is_not_known_stays(self):
        def other_parameters(xml_doc, migrate_data):
            raise AssertionError("must not be called")

        def other_result(xml_doc, pci_dev_map_src_dst):
            return None

        def other_needs(xml_doc, pci_dev_map_src_dst):
            raise KeyError("host")

        for function in (other_parameters, other_result, other_needs):
            mine = module(function)
            self.assertEqual(Outcome.UNKNOWN, nova_compute.correct(mine))
            self.assertIs(function, mine._update_pci_dev_xml)

    def test_a_function_that_is_not_there_is_not_put_there(self):
        mine = module()
        self.assertEqual(Outcome.UNKNOWN, nova_compute.correct(mine))
        self.assertFalse(hasattr(mine, "_update_pci_dev_xml"))

    def test_what_was_done_is_in_the_log(self):
        for function, level, outcome in (
            (migration._update_pci_dev_xml, "INFO", Outcome.CORRECTED),
            (nova_compute.update_pci_dev_xml, "INFO", Outcome.RIGHT),
            (None, "WARNING", Outcome.UNKNOWN),
        ):
            nova_compute.correct(module(function))
            *_, line = self.logs.output.splitlines()
            self.assertTrue(line.startswith(f"{level} "), line)
            self.assertIn(outcome.value, line)


class TestFunction(testtools.TestCase):
    @given(domains.HOSTDEV_DOMAINS, st.data())
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_it_does_what_the_remap_of_texts_does(self, domain, data):
        there = data.draw(st.permutations(domain.addresses))
        mapping = {str(source): str(to) for source, to in zip(domain.addresses, there, strict=True)}
        mine = nova_compute.update_pci_dev_xml(tree(domain), mapping)
        other = etree.fromstring(remap(domain.xml(), mapping).encode())
        self.assertEqual(etree.tostring(other), etree.tostring(mine))

    @given(domains.HOSTDEV_DOMAINS, domains.ADDRESSES)
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_it_fails_as_novas_on_a_device_that_is_not_there(self, domain, address):
        mapping = {str(address): C}
        texts = []
        for function in (nova_compute.update_pci_dev_xml, migration._update_pci_dev_xml):
            try:
                texts.append(etree.tostring(function(tree(domain), mapping)))
            except exception.NovaException as exc:
                texts.append(str(exc))
        self.assertEqual(texts[1], texts[0])

    def test_it_refuses_a_malformed_address_as_novas_does(self):
        for function in (nova_compute.update_pci_dev_xml, migration._update_pci_dev_xml):
            for mapping in ({"x": A}, {A: "x"}):
                self.assertRaises(ValueError, function, tree(domains.domain(A)), mapping)


class TestStart(testtools.TestCase):
    def test_nothing_of_nova_is_imported_before_nova_chooses_its_threads(self):
        finished = run("import sys, vfio_lm.inside_nova.nova_compute; print(*sys.modules)")
        modules = {name.partition(".")[0] for name in finished.stdout.split()}
        self.assertIn("vfio_lm", modules)
        heavy = {"nova", "eventlet", "oslo_config", "oslo_log", "lxml", "logging", "threading"}
        self.assertEqual(set(), heavy & modules)

    def test_nova_corrects_its_function_when_it_loads_the_driver(self):
        finished = run(
            "from vfio_lm.inside_nova import nova_compute\n"
            "nova_compute.correct_when_imported()\n"
            "from nova.cmd import compute\n"
            "import sys\n"
            "assert 'nova.virt.libvirt.migration' not in sys.modules\n"
            "from nova.virt.libvirt import driver\n"
            "function = driver.libvirt_migrate._update_pci_dev_xml\n"
            "assert function is nova_compute.update_pci_dev_xml\n"
        )
        self.assertEqual(0, finished.returncode, finished.stderr)

    def test_a_module_that_is_there_already_is_corrected_at_once(self):
        finished = run(
            "from vfio_lm.inside_nova import nova_compute\n"
            "from nova.virt.libvirt import migration\n"
            "nova_compute.correct_when_imported()\n"
            "assert migration._update_pci_dev_xml is nova_compute.update_pci_dev_xml\n"
        )
        self.assertEqual(0, finished.returncode, finished.stderr)

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
