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

"""What turns the corrections on, and what is said of what cannot be understood."""

import io
import os
import sys
import tempfile
from pathlib import Path
from unittest import mock

import testtools

from tests.unit.inside_nova.test_nova_compute import run
from vfio_lm.errors import VfioLmError
from vfio_lm.inside_nova import switch
from vfio_lm.inside_nova.corrections import NAMES


class TestWanted(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "vfio-lm.conf")

    def wanted(self, text=None, variable=None):
        if text is not None:
            self.path.write_text(text)
        environment = {} if variable is None else {switch.VARIABLE: variable}
        with (
            mock.patch.object(switch, "PATH", str(self.path)),
            mock.patch.dict(os.environ, environment),
        ):
            return switch.wanted()

    def refusal(self, text=None, variable=None):
        return str(self.assertRaises(VfioLmError, self.wanted, text, variable))

    def test_without_file_and_variable_none(self):
        self.assertEqual((), self.wanted())

    def test_a_file_for_other_things_turns_nothing_on(self):
        self.assertEqual((), self.wanted("[api_database]\nconnection = mysql+pymysql://a:b@c/d\n"))
        self.assertEqual((), self.wanted("[vfio_lm]\nother = all\n"))

    def test_the_file_turns_on_all_some_or_none(self):
        self.assertEqual(NAMES, self.wanted("[vfio_lm]\ncorrections = all\n"))
        self.assertEqual((), self.wanted("[vfio_lm]\ncorrections = none\n"))
        some = self.wanted("[vfio_lm]\ncorrections = pci-addresses, second-claim\n")
        self.assertEqual(("pci-addresses", "second-claim"), some)

    def test_the_variable_goes_before_the_file(self):
        self.assertEqual((), self.wanted("[vfio_lm]\ncorrections = all\n", "none"))
        self.assertEqual(NAMES, self.wanted("[vfio_lm]\ncorrections = none\n", "all"))
        self.assertEqual(NAMES, self.wanted("no options at all", "all"))

    def test_a_wrong_value_is_named_with_its_place_and_the_right_ones(self):
        said = self.refusal("[vfio_lm]\ncorrections = true\n")
        self.assertIn(f"{self.path}: [vfio_lm]corrections has true: write all, none, or", said)
        self.assertIn("ended-migration", said)
        self.assertIn(
            "VFIO_LM_CORRECTIONS has all: write", self.refusal(variable="second-claim,all ,")
        )

    def test_a_value_that_is_missing(self):
        for text in ("corrections =", "corrections", "corrections = ,"):
            self.assertIn("has nothing: write all", self.refusal(f"[vfio_lm]\n{text}\n"))

    def test_a_file_that_is_none_of_options_is_not_shown(self):
        for text in ("corrections = all\n", "[vfio_lm\n", "password\n"):
            said = self.refusal(text)
            self.assertIn(f"{self.path} is not a file of options: write [vfio_lm] and below", said)
            self.assertNotIn("password", said)
        self.path.write_bytes(b"[vfio_lm]\n\xff = all\n")
        self.assertIn("is not a file of options", self.refusal())

    def test_a_file_that_may_not_be_read_is_said_and_turns_nothing_on(self):
        self.path.mkdir()
        with mock.patch.object(sys, "stderr", io.StringIO()) as said:
            self.assertEqual((), self.wanted())
        self.assertIn(f"{self.path} cannot be read (Is a directory): nova is not", said.getvalue())


class TestWaiting(testtools.TestCase):
    def test_nova_compute_stops_with_one_line_at_a_wrong_value(self):
        finished = run(
            "import os; os.environ['VFIO_LM_CORRECTIONS'] = 'yes'\n"
            "from vfio_lm.inside_nova import switch\n"
            "switch.wait_for_nova_compute()\n"
            "from nova.cmd import compute\n"
        )
        self.assertEqual(1, finished.returncode)
        self.assertRegex(finished.stderr, r"\Anova-compute: VFIO_LM_CORRECTIONS has yes.*\n\Z")

    def test_nothing_that_nova_wants_first_is_imported_until_it_looks_for_nova_compute(self):
        finished = run(
            "import os, sys; os.environ['VFIO_LM_CORRECTIONS'] = 'all'\n"
            "from vfio_lm.inside_nova import switch\n"
            "switch.wait_for_nova_compute(); switch.wait_for_nova_compute()\n"
            "for each in list(sys.meta_path):\n"
            "    if type(each).__module__ == switch.__name__:\n"
            "        each.find_spec('nova.cmd', None)\n"
            "        assert 'vfio_lm.inside_nova.corrections' not in sys.modules\n"
            "        each.find_spec('nova.cmd.compute', None)\n"
            "assert sum('vfio_lm' in type(each).__module__ for each in sys.meta_path) == 1\n"
            "print(*sys.modules)\n"
        )
        modules = {name.partition(".")[0] for name in finished.stdout.split()}
        self.assertIn("vfio_lm", modules, finished.stderr)
        heavy = {"nova", "eventlet", "oslo_config", "oslo_log", "lxml", "logging", "threading"}
        self.assertEqual(set(), heavy & modules)
