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

"""The lenient reader sees what oslo.config sees, and goes on where oslo.config stops."""

import os
import pathlib
import tempfile

import testtools
from hypothesis import example, given
from hypothesis import strategies as st

from vfio_lm.errors import ConfigError
from vfio_lm.pci import nova_conf
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, PCI_IN_PLACEMENT, read_conf_text

_GOOD_LINES = st.sampled_from(
    [
        "",
        "# comment",
        "[pci]",
        "[PCI]",
        "[DEFAULT]",
        "[filter_scheduler]",
        "alias = a1",
        "alias: 'a2'",
        'alias = {"name": "a3",\n  "vendor_id": "8086"}',
        "pci_alias = old",
        "device_spec=d1",
        "device_spec =",
        "passthrough_whitelist = d2",
        "pci_passthrough_whitelist = d3",
        "pci_in_placement = yes",
        "pci_in_placement = no",
        "alias = \u00e4\r",
    ]
)
_BAD_LINES = st.sampled_from(["[pci", "[]", "\tmore", "no assignment", "= no key"])
_GOOD_FILES = st.lists(_GOOD_LINES, max_size=12).map(lambda lines: "\n".join(["[pci]", *lines]))
_FILES = st.lists(
    _GOOD_FILES | st.lists(_GOOD_LINES | _BAD_LINES, max_size=12).map("\n".join),
    min_size=1,
    max_size=3,
)
_ALL_NAMES = (
    "[DEFAULT]\npci_passthrough_whitelist = d3\n[pci]\ndevice_spec = d1\n"
    "passthrough_whitelist = d2\ndevice_spec = d4\n"
)


class TestAgainstOsloConfig(testtools.TestCase):
    @given(_FILES)
    @example([_ALL_NAMES, _ALL_NAMES])
    def test_the_same_values_in_the_same_order(self, contents):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, f"{n}.conf") for n in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                path.write_text(content, newline="")
            text = read_conf_text(paths)
            try:
                values = nova_conf._parse([str(path) for path in paths], text)
            except ConfigError:
                self.assertNotEqual((), text.problems)
                return
        self.assertEqual((), text.problems)
        for option, name in ((ALIAS, "alias"), (DEVICE_SPEC, "device_spec")):
            found = [setting.value for setting in text.of(option)]
            self.assertEqual(values[name] or [], found)
        last = text.last(PCI_IN_PLACEMENT)
        self.assertEqual(
            values["pci_in_placement"], {"yes": True, "no": False}[last.value] if last else None
        )


class TestReadConfText(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def read(self, content):
        path = self.folder / "nova.conf"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_conf_text([path])

    def test_a_setting_knows_the_line_where_it_begins(self):
        text = self.read('[pci]\n\nalias = {"name":\n  "vf"}\ndevice_spec = {}')
        self.assertEqual([3, 5], [setting.line for setting in text.settings])
        self.assertEqual('alias = {"name":\n    "vf"}', text.settings[0].text)

    def test_reading_goes_on_behind_a_mistake(self):
        text = self.read("[pci]\nnonsense\nalias = a\n  b\n\n  c\nalias = d\n")
        self.assertEqual(["a\nb", "d"], [setting.value for setting in text.of(ALIAS)])
        self.assertEqual(
            [(2, "No ':' or '=' found in assignment"), (6, "Unexpected continuation line")],
            [(problem.line, problem.reason) for problem in text.problems],
        )

    def test_nothing_is_guessed_about_a_broken_section(self):
        text = self.read("[DEFAULT]\n[pci\nalias = a\n[pci]\nalias = b\n")
        self.assertEqual(["b"], [setting.value for setting in text.settings])
        self.assertEqual([2], [problem.line for problem in text.problems])

    def test_a_file_that_is_no_text_is_read_as_far_as_it_goes(self):
        text = self.read(b"[pci]\n# caf\xe9\nalias = a\n")
        self.assertEqual(["a"], [setting.value for setting in text.settings])
        self.assertEqual([2], [problem.line for problem in text.problems])

    def test_a_missing_file(self):
        (problem,) = read_conf_text([self.folder / "absent.conf"]).problems
        self.assertEqual("cannot be read: No such file or directory", problem.reason)

    def test_a_pipe_does_not_keep_the_rest_of_a_folder_from_being_read(self):
        (self.folder / "10.conf").write_text("[pci]\nalias = a\n")
        os.mkfifo(self.folder / "20.conf")
        text = read_conf_text([self.folder])
        self.assertEqual(["a"], [setting.value for setting in text.of(ALIAS)])
        self.assertEqual(["is a pipe, not a regular file"], [p.reason for p in text.problems])

    def test_of_a_folder_only_configuration_files_are_read(self):
        (self.folder / "20.conf").write_text("[pci]\nalias = b\n")
        (self.folder / "10.conf").write_text("[pci]\nalias = a\n")
        (self.folder / "10.conf.orig").write_text("[pci]\nalias = x\n")
        text = read_conf_text([self.folder])
        self.assertEqual(["a", "b"], [setting.value for setting in text.of(ALIAS)])
