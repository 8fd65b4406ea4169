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
"""Corrected sections say what each change is for, and what was not mended."""

import json
import pathlib

import fixtures
import testtools
from nova.pci import request, whitelist

from tests import corpus
from tests.unit.nova_rules import configured, on_host
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, read_conf_text
from vfio_lm.pci.lint.corrections import corrected_sections, fix
from vfio_lm.pci.lint.linter import Service, Severity

VF = {
    "name": "vf",
    "vendor_id": "15b3",
    "product_id": "101e",
    "device_type": "type-VF",
    "live_migratable": "yes",
}


class TestCorrectedSections(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def service(self, text, label="nova-api"):
        path = self.folder / f"{label}.conf"
        path.write_text(text)
        return Service(label, read_conf_text([path]))

    def lines(self, *services):
        return list(corrected_sections(services, fix(services)))

    def test_a_change_names_its_line_and_its_reasons(self):
        wrong = json.dumps(VF).replace("device_type", "dev_type").replace("15b3", "15B3")
        found = self.lines(self.service(f"[pci]\nalias = {wrong}\n"))
        self.assertEqual(f"# nova-api: {self.folder}/nova-api.conf", found[0])
        self.assertEqual("# replaces line 2: [pci]alias", found[2])
        rules = [line.split()[1] for line in found[3:5]]
        self.assertEqual(["alias-unknown-key:", "alias-id-upper-case:"], rules)
        self.assertEqual(VF, json.loads(found[5].partition(" = ")[2]))

    def test_what_only_a_human_can_mend_is_marked(self):
        found = self.lines(self.service("[pci]\nalias = not json at all\n"))
        self.assertEqual("# not mended: line 2", found[2])
        self.assertTrue(found[3].startswith("#   value-not-object: "), found)
        self.assertEqual("# line 2 stays as it is, and is not shown: it may be a secret", found[4])

    def test_a_line_that_is_right_has_no_comment(self):
        found = self.lines(self.service(f"[pci]\nalias = {json.dumps(VF)}\n"))
        self.assertEqual([f"alias = {json.dumps(VF)}", ""], found[2:])

    def test_a_line_that_was_missing_is_marked(self):
        api = self.service(f"[pci]\nalias = {json.dumps(VF)}\n")
        spec = {key: VF[key] for key in ("vendor_id", "product_id", "live_migratable")}
        host = self.service(f"[pci]\ndevice_spec = {json.dumps(spec)}\n", "compute1")
        found = self.lines(api, host)
        place = found.index("# added")
        self.assertIn("alias-missing: ", found[place + 1])
        self.assertEqual(VF, json.loads(found[place + 2].partition(" = ")[2]))

    def test_devices_that_nobody_named_are_not_declared(self):
        found = self.lines(
            self.service(
                f'[pci]\nalias = {json.dumps(VF)}\ndevice_spec = {{"vendor_id": "15b3"}}\n'
            )
        )
        self.assertIn('device_spec = {"vendor_id": "15b3"}', found)
        self.assertIn("# not mended: line 3", found)
        self.assertIn("name them by product_id or address", "".join(found))

    def test_what_has_no_line_is_told_as_well(self):
        found = self.lines(self.service("[pci]\nno assignment\n"))
        self.assertIn(f"# nova-api: not mended: {self.folder}/nova-api.conf:2", found)

    def test_nova_reads_what_is_printed_for_broken_files(self):
        """All of the corpus that has corrections and nothing that is left to a human."""
        read = 0
        for case in corpus.cases():
            corrected = fix(case.services, release=case.release)
            if not corrected.corrections or any(
                each.severity is not Severity.INFO for each in corrected.left
            ):
                continue
            printed = list(corrected_sections(case.services, corrected))
            for service in corrected.services:
                # The lines alone, read as the file that they are pasted into.
                text = self.service("\n".join(printed), "printed").text
                self.assertEqual((), text.problems, case.name)
                last = service.text.last("[filter_scheduler]pci_in_placement")
                in_placement = bool(last and last.value.lower() == "true")
                aliases = [each.value for each in service.text.of(ALIAS)]
                specs = [each.value for each in service.text.of(DEVICE_SPEC)]
                with configured(aliases=aliases, pci_in_placement=in_placement), on_host():
                    request.get_alias_from_config()
                    whitelist.Whitelist(specs)
                read += 1
        self.assertGreaterEqual(read, 20)
