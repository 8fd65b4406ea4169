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
"""What a coordination URL means, and that nothing of its secrets is ever shown."""

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from placement_sync.agent.backend_url import read_backend_url
from vfio_lm.errors import OptionError


def read(url, interval=60):
    return read_backend_url(url, "group", interval)


class TestBackendUrl(testtools.TestCase):
    def refusal(self, url):
        error = self.assertRaises(OptionError, read, url)
        return f"{error.value}: {error.reason}"

    def test_silence_of_half_an_interval_is_death(self):
        for interval, timeout in ((60, 30), (600, 30), (10, 5), (1, 1)):
            found = read("etcd3+http://e:1?api_version=v3", interval)
            self.assertEqual(
                f"etcd3+http://e:1?api_version=v3&timeout={timeout}", found.backend_url
            )
            self.assertEqual((timeout, "group"), (found.timeout, found.group))

    def test_the_url_may_say_how_long_silence_may_last(self):
        found = read("zookeeper://z1:1,z2:1?timeout=7")
        self.assertEqual((7, "zookeeper"), (found.timeout, found.backend))
        self.assertEqual("zookeeper://z1:1,z2:1?timeout=7", found.backend_url)

    def test_what_is_repeated_in_the_url_stays(self):
        url = read("redis://r:1?sentinel=m&sentinel_fallback=a:1&sentinel_fallback=b:1").backend_url
        self.assertIn("sentinel_fallback=a%3A1&sentinel_fallback=b%3A1", url)

    def test_redis_does_not_wait_for_longer_than_the_agent(self):
        found = read("redis://r:1?timeout=30&socket_timeout=2")
        self.assertEqual(10, found.answer_time)
        self.assertIn("socket_timeout=2&", found.backend_url)
        self.assertIn("socket_connect_timeout=10", found.backend_url)

    def test_a_busy_backend_has_a_second_for_an_answer(self):
        self.assertEqual(1, read("redis://r:1?timeout=1").answer_time)

    def test_a_backend_that_tooz_does_not_have(self):
        self.assertIn("nix: is not one of tooz's backends: ", self.refusal("nix://:canary@h"))

    def test_a_time_that_is_none(self):
        for text in ("soon", "0", "-1", "1.5", "²", "9" * 5000):
            refusal = self.refusal(f"redis://r?timeout={text}")
            self.assertIn("its timeout is not a whole number of seconds", refusal)
            self.assertNotIn(f"timeout={text}", refusal)

    def test_a_password_that_is_not_one_of_a_url_is_refused_and_not_shown(self):
        for separator in ("#", "/", "?", "[", "]", "\u2100"):
            for password in (f"{separator}mellon", f"mel{separator}lon"):
                refusal = self.refusal(f"redis://:{password}@r:6379")
                self.assertNotRegex(refusal, "mel|lon")
                self.assertIn("a password in it cannot contain", refusal)

    def test_a_port_that_is_none(self):
        self.assertIn("is not a URL such as", self.refusal("redis://:canary@r:x"))
        self.assertIn("is not a URL such as", self.refusal("redis://:canary@r:99999"))

    def test_secrets_are_taken_out_of_what_drivers_say(self):
        found = read("redis://me:can%41ry@r:1?sentinel_password=birdie&db=2")
        text = "cannot log in as me with can%41ry or canAry at r:1 (birdie)"
        self.assertEqual(
            "cannot log in as me with *** or *** at r:1 (***)", found.without_secrets(text)
        )
        self.assertNotIn("birdie", repr(found))

    @settings(max_examples=25)
    @given(st.text(min_size=1))
    def test_whatever_the_password_is_no_other_error_is_raised(self, password):
        try:
            found = read(f"redis://:{password}@r:6379?db=0")
        except OptionError:
            return
        self.assertGreaterEqual(found.timeout, 1)
