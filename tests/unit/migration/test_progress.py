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

"""How fast a live migration gets on."""

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.migration.records import migration
from vfio_lm.cloud.model import Amount, Progress
from vfio_lm.migration.progress import Pacer

MIB = 2**20


def progress(processed, remaining, total=512, disk=None):
    memory = Amount(total=total * MIB, processed=processed * MIB, remaining=remaining * MIB)
    return Progress(migration=migration(status="running"), memory=memory, disk=disk)


class TestPacer(testtools.TestCase):
    def test_before_nova_has_asked_the_hypervisor_nothing_is_known(self):
        pace = Pacer().pace(Progress(migration(status="preparing"), None, None), 1)
        self.assertEqual(("preparing", None, None), (pace.status, pace.fraction, pace.memory))
        self.assertIsNone(pace.bytes_per_second)

    def test_the_rate_is_what_came_between_two_numbers(self):
        pacer = Pacer()
        self.assertIsNone(pacer.pace(progress(100, 412), 5).bytes_per_second)
        pace = pacer.pace(progress(200, 312), 10)
        self.assertEqual(20 * MIB, pace.bytes_per_second)
        self.assertAlmostEqual(1 - 312 / 512, pace.fraction)

    def test_the_same_numbers_again_do_not_slow_it_down(self):
        pacer = Pacer()
        pacer.pace(progress(100, 412), 5)
        pacer.pace(progress(200, 312), 10)
        self.assertEqual(20 * MIB, pacer.pace(progress(200, 312), 13).bytes_per_second)

    def test_the_disk_counts_where_there_is_one(self):
        disk = Amount(total=512 * MIB, processed=0, remaining=512 * MIB)
        pace = Pacer().pace(progress(512, 0, disk=disk), 5)
        self.assertEqual(0.5, pace.fraction)

    @given(
        st.lists(
            st.tuples(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 600)), max_size=8
        )
    )
    def test_whatever_nova_tells_a_fraction_is_one(self, told):
        pacer = Pacer()
        for seconds, (processed, remaining, total) in enumerate(told):
            pace = pacer.pace(progress(processed, remaining, total), seconds)
            if pace.fraction is not None:
                self.assertTrue(0 <= pace.fraction <= 1)
            if pace.bytes_per_second is not None:
                self.assertGreater(pace.bytes_per_second, 0)
