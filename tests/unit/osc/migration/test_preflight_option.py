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

"""What a preflight may do to a live migration."""

import argparse
import dataclasses
import io
from unittest import mock

import fixtures
import testtools
from osc_lib import exceptions

from osc_vfio_lm.migration import preflight_option
from osc_vfio_lm.migration.preflight_option import Permission
from tests.unit.migration.records import check_result, report
from vfio_lm.errors import ForbiddenError, NotFoundError
from vfio_lm.migration import Mode
from vfio_lm.preflight import Status

BLOCKED = report(check_result("alias-live-migratable", Status.FAIL))


class TestMode(testtools.TestCase):
    def mode(self, *arguments, environment=None):
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_PREFLIGHT", environment))
        parser = argparse.ArgumentParser()
        preflight_option.add_option(parser)
        return preflight_option.mode(parser.parse_args(arguments))

    def test_the_words_of_the_option_are_those_of_the_library(self):
        self.assertEqual((*(mode.value for mode in Mode), "skip"), preflight_option.MODES)

    def test_the_option_counts_before_the_environment(self):
        self.assertEqual("enforce", self.mode())
        self.assertEqual("warn", self.mode(environment="warn"))
        self.assertEqual("skip", self.mode("--vfio-preflight", "skip", environment="warn"))

    def test_another_word_in_the_environment_is_refused(self):
        refused = self.assertRaises(exceptions.CommandError, self.mode, environment="maybe")
        self.assertIn("OS_VFIO_PREFLIGHT: 'maybe' is not one of enforce, warn, skip", str(refused))


class TestPermission(testtools.TestCase):
    def permission(self, chosen, found):
        self.app = mock.Mock(stderr=io.StringIO())
        return preflight_option.permission(self.app, chosen, mock.Mock(side_effect=[found]))

    def assert_goes(self, chosen, found, said=""):
        self.assertEqual(Permission(), self.permission(chosen, found))
        self.assertIn(said, self.app.stderr.getvalue())

    def test_only_evidence_stops_it_unless_it_is_only_to_warn(self):
        self.assertEqual(Permission(2), self.permission("enforce", BLOCKED))
        self.assertIn("Nova was not asked.", self.app.stderr.getvalue())
        self.assert_goes("warn", BLOCKED, "Asking nova anyway.")
        self.assert_goes("enforce", report())
        self.assertEqual("", self.app.stderr.getvalue())

    def test_what_is_not_known_stops_it_where_nova_might_put_the_server_into_error(self):
        unknown = check_result("numa", Status.UNKNOWN, host="compute2")
        self.assert_goes("enforce", _for_both(unknown), "Asking nova anyway.")
        harmful = _for_both(dataclasses.replace(unknown, may_end_in_error=True))
        self.assertEqual(Permission(3), self.permission("enforce", harmful))
        self.assertIn("may put the running server into ERROR", self.app.stderr.getvalue())
        self.assert_goes("warn", harmful, "Asking nova anyway.")

    def test_a_ready_host_is_named_where_nova_might_choose_another(self):
        found = report(check_result("post-copy-off", Status.FAIL, host="compute2"))
        self.assertEqual(Permission(host="compute3"), self.permission("enforce", found))
        said = self.app.stderr.getvalue()
        self.assertIn("Naming compute3 as the destination: nova might choose compute2", said)

    def test_a_preflight_that_cannot_be_done_stops_nothing(self):
        self.assert_goes("enforce", ForbiddenError("403"), "nova decides alone: 403")

    def test_a_name_that_nothing_has_is_an_error(self):
        self.assertRaises(NotFoundError, self.permission, "enforce", NotFoundError("no host"))


def _for_both(result):
    return report(result, dataclasses.replace(result, host="compute3"))
