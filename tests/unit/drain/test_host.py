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

"""What a file has of nova's word about a host is no longer true once a server went there."""

from __future__ import annotations

from unittest import mock

import testtools

from tests.unit.preflight.scenario import NOW, nova_destination, nova_word
from vfio_lm.drain import HostDrain
from vfio_lm.preflight import Inputs
from vfio_lm.preflight.nova_says import GivenWord

_WORDS = (GivenWord("nova.json", nova_word(nova_destination())),)


class TestCheckAgain(testtools.TestCase):
    def test_a_file_counts_for_the_first_server_that_goes_to_a_host(self) -> None:
        drain = HostDrain(mock.Mock(), "compute1", lambda: Inputs(now=NOW, nova_words=_WORDS))
        with mock.patch("vfio_lm.drain.host.check_with") as check:
            for server_id, host in (("s1", "compute2"), ("s2", "compute3"), ("s3", "compute2")):
                drain._check_again(server_id, host)
        given = [each.args[2].nova_words for each in check.call_args_list]
        self.assertEqual([_WORDS, _WORDS, ()], given)
