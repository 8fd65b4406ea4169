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

"""What is said around the lines of many servers."""

import testtools

from osc_vfio_lm.migration import survey_words
from vfio_lm.preflight import Survey, Verdict


def survey(others, others_are_known=True):
    return Survey(iter(()), count=0, others=others, others_are_known=others_are_known)


class TestAround(testtools.TestCase):
    def test_the_sum_names_the_worst_first(self):
        verdicts = {Verdict.READY: 5, Verdict.BLOCKED: 2}
        self.assertEqual("7 servers checked: 2 blocked, 5 ready", survey_words.headline(verdicts))
        self.assertEqual("1 server checked: 1 ready", survey_words.headline({Verdict.READY: 1}))
        self.assertIn("No server was checked", survey_words.headline({}))

    def test_servers_without_devices_are_counted_as_far_as_that_is_known(self):
        self.assertEqual([], list(survey_words.others(survey(0, False))))
        (known,) = survey_words.others(survey(3))
        self.assertEqual("Not checked: 3 servers without PCI devices by an alias or a port", known)
        _, unknown = survey_words.others(survey(3, False))
        self.assertIn("Neutron does not show", unknown)

    def test_a_hint_is_given_where_something_is_to_be_done(self):
        self.assertEqual([], list(survey_words.hint({Verdict.READY: 1})))
        self.assertEqual(1, len(list(survey_words.hint({Verdict.UNKNOWN: 1}))))
