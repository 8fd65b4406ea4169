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

"""Every row of the table has words of its own, and no text whatever makes it fail."""

import ast
import importlib.util
import pathlib
import re

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.error_texts.examples import EXAMPLES, OF_NOVA, published
from vfio_lm.error_texts import ROWS, Software, is_of_a_lost_state, row_of
from vfio_lm.preflight.registry import installed_checks

#: Rows of words that are in nova's source, not in its exceptions; by file.
_IN_NOVA = (
    "nova/conductor/",
    "nova/compute/claims",
    "nova/scheduler/",
    "nova/filters",
    "nova/virt/",
)

_NOISE = st.text(st.characters(codec="utf-8"), max_size=60)

#: How a text begins whose rest nova puts together.
COMPOSED = {"filters-left-no-host": "Filtering removed all hosts for the request"}

#: Of public reports, beside those of the corpus.
GIVEN = {
    "operation failed: cannot migrate domain: VFIO device doesn't support migration": (
        "no-migration-region"
    ),
    "operation failed: cannot migrate domain: 0000:5e:00.4: Migration couldn't be initialized for "
    "VFIO device, err: -22 (Invalid argument)": "driver-does-not-begin",
    "operation failed: cannot migrate domain: 0000:5e:00.4: Migration is disabled for VFIO "
    "device": "turned-off-in-qemu",
    "qemu-system-x86_64: 0000:5e:00.4: Failed to query VFIO migration support, err: Bad file "
    "descriptor": "driver-does-not-begin",
    "internal error: QEMU unexpectedly closed the monitor (vm='instance-00000011'): qemu-kvm: "
    '-device {"driver":"vfio-pci","host":"0000:5e:00.4","id":"hostdev0"}: vfio 0000:5e:00.4: error '
    "getting device from group 97: Permission denied": "no-permission",
    "internal error: process exited while connecting to monitor: qemu-kvm: -device "
    "vfio-pci,host=0000:05:00.0: vfio 0000:05:00.0: group 15 is not viable": "group-not-viable",
    "internal error: QEMU unexpectedly closed the monitor (vm='instance-00000011'): qemu-kvm: "
    "-device vfio-pci: vfio 0000:5e:00.4: failed to setup container for group 112: memory listener "
    "initialization failed: Region pc.ram: vfio_dma_map = -12 (Cannot allocate memory)": (
        "memory-lock-limit"
    ),
    "qemu-kvm: VFIO_MAP_DMA failed: Cannot allocate memory": "memory-lock-limit",
    # nova's record cuts the text of the request short
    "PCI device request [InstancePCIRequest(alias_name='vf',count=1,is_new=<?>,numa_po": (
        "no-device-claimed"
    ),
}


def texts_of_nova(path):
    """Return the literals of a file of nova's, without importing it."""
    (root,) = importlib.util.find_spec("nova").submodule_search_locations
    tree = ast.parse(pathlib.Path(root).parent.joinpath(path).read_text())
    said = [node.value for node in ast.walk(tree) if isinstance(getattr(node, "value", 0), str)]
    return [re.sub(r"%\(\w+\)[sd]|%[sd]", "7", text) for text in said]


class TestRows(testtools.TestCase):
    def test_each_row_has_a_text_that_is_its_own(self):
        self.assertEqual({row.id for row in ROWS}, set(EXAMPLES))
        for id_, text in EXAMPLES.items():
            known = [row.id for row in ROWS if row.pattern.search(text) and not row.is_fallback]
            if row_of(text).is_fallback:
                self.assertEqual(([], id_), (known, row_of(text).id), text)
            else:
                self.assertEqual([id_], known, text)

    def test_an_id_names_one_row(self):
        self.assertEqual(len(ROWS), len({row.id for row in ROWS}))

    def test_each_row_says_why_what_to_do_and_where_its_words_are_from(self):
        for row in ROWS:
            self.assertTrue(all((row.cause, row.remedy, row.source, row.since)), row.id)
            self.assertTrue(row.without_nova, row.id)
            self.assertIsNone(row.pattern.match(""), row.id)
            self.assertNotIn("{", row.sentence(EXAMPLES[row.id]))

    def test_without_nova_no_command_of_openstack_is_named(self):
        for row in ROWS:
            if row.software is not Software.NOVA:
                self.assertNotIn("openstack", row.without_nova, row.id)

    def test_the_checks_that_rows_point_at_exist(self):
        checks = {check.id for check in installed_checks()}
        self.assertEqual(set(), {row.check for row in ROWS if row.check} - checks)

    def test_novas_exceptions_have_their_rows(self):
        for id_, error in OF_NOVA.items():
            self.assertEqual(id_, row_of(error.format_message()).id)
            self.assertIs(Software.NOVA, row_of(error.format_message()).software)

    def test_nova_says_these_words(self):
        of_files = [row for row in ROWS if row.source.startswith(_IN_NOVA)]
        self.assertLess(15, len(of_files))
        for row in of_files:
            said = [text for path in row.source.split(", ") for text in texts_of_nova(path)]
            if row.id in COMPOSED:
                self.assertTrue(any(COMPOSED[row.id] in text for text in said), row.id)
            else:
                self.assertNotEqual([], list(filter(row.pattern.search, said)), row.id)


class TestPublished(testtools.TestCase):
    """Words as people publish them, each with the page where it was seen."""

    def test_each_has_its_row(self):
        for id_, text, _ in published():
            self.assertEqual(id_, row_of(text).id, text)

    def test_at_least_sixty_are_of_this_search(self):
        texts = {text for _, text, _ in published()}
        pages = {page for _, _, page in published()}
        self.assertLessEqual(60, len(texts))
        self.assertLessEqual(60, len(pages))
        self.assertTrue(all(page.startswith("https://") for page in pages))

    def test_the_texts_that_were_given_have_a_cause(self):
        for text, id_ in GIVEN.items():
            self.assertEqual(id_, row_of(text).id, text)


class TestAnyText(testtools.TestCase):
    @given(_NOISE, st.sampled_from(sorted(EXAMPLES)), _NOISE)
    def test_words_are_known_in_the_midst_of_others(self, before, id_, after):
        ids = [row.id for row in ROWS]
        found = row_of(f"{before} {EXAMPLES[id_]} {after}")
        self.assertLessEqual(ids.index(found.id), ids.index(id_))

    @given(st.binary(max_size=200))
    def test_odd_bytes_have_a_row_or_none(self, data):
        row_of(data.decode(errors="replace"))
        row_of(data.decode("latin-1"))

    def test_a_line_of_any_length_has_a_row_or_none(self):
        for piece in ("vfio 0000:82:00.", "dma_map( = -", "0:0 ", "Target ", "Source mdevs "):
            row_of(piece * 1_000_000)

    def test_only_what_qemu_says_of_a_state_is_of_a_lost_state(self):
        for row in ROWS:
            self.assertEqual(row.is_state_lost, is_of_a_lost_state(EXAMPLES[row.id]), row.id)
            self.assertTrue(row.software is Software.QEMU or not row.is_state_lost, row.id)

    def test_a_warning_is_no_cause(self):
        self.assertIsNone(row_of("qemu-kvm: warning: vfio 0000:82:00.1: no available reset"))
