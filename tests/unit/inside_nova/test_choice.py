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

"""Whatever nova's way of choosing a host may come to is foreseen, and little else."""

import random

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.inside_nova.choice import Contender, choose
from vfio_lm.pci.nova_word import Ending

ACCEPTED, REFUSED, ERROR, DEPENDS = (
    Ending.ACCEPTED,
    Ending.REFUSED,
    Ending.ERROR,
    Ending.DEPENDS,
)


def contender(host, *endings, weight=1.0, soft=False):
    return Contender(host, frozenset(endings), soft or not endings, weight, weight)


_HOSTS = st.lists(
    st.tuples(
        st.sets(st.sampled_from([ACCEPTED, ERROR, REFUSED]), max_size=2),
        st.booleans(),
        st.sampled_from([1.0, 2.0, 3.0]),
    ),
    max_size=5,
).map(
    lambda several: [
        contender(f"host{number}", *endings, weight=weight, soft=soft)
        for number, (endings, soft, weight) in enumerate(several)
    ]
)


def as_nova_does(contenders, subset_size, max_retries, dice):
    """Choose as conductor and scheduler do; return how it ends, and the host."""
    left, tried = list(contenders), 0
    while True:
        if 0 <= max_retries < tried or not left:
            return REFUSED, None
        dice.shuffle(left)
        left.sort(key=lambda each: -each.weight)
        chosen = dice.choice(left[:subset_size])
        endings = sorted(chosen.endings, key=str) + [None] * chosen.may_be_passed_over
        ending = dice.choice(endings)
        if ending is not None:
            return ending, chosen.host
        left.remove(chosen)
        tried += 1


class TestChoose(testtools.TestCase):
    @given(_HOSTS, st.integers(1, 3), st.integers(-1, 3), st.randoms(use_true_random=False))
    def test_what_nova_may_come_to_is_foreseen(self, contenders, subset_size, max_retries, dice):
        choice = choose(contenders, subset_size, max_retries)
        for _ in range(20):
            ending, host = as_nova_does(contenders, subset_size, max_retries, dice)
            self.assertIn(choice.ending, (ending, DEPENDS))
            if host is not None:
                self.assertIn(host, choice.hosts)

    @given(_HOSTS, st.integers(1, 2))
    def test_every_host_that_is_named_can_be_reached(self, contenders, subset_size):
        choice = choose(contenders, subset_size, -1)
        dice = random.Random(0)
        reached = {as_nova_does(contenders, subset_size, -1, dice)[1] for _ in range(600)}
        self.assertLessEqual(choice.hosts, reached)

    def test_no_host_is_left(self):
        self.assertIs(REFUSED, choose([], 1, -1).ending)

    def test_the_heaviest_host_decides(self):
        best, other = contender("a", ACCEPTED, weight=2.0), contender("b", ERROR)
        choice = choose([best, other], 1, -1)
        self.assertEqual((ACCEPTED, {"a"}), (choice.ending, choice.hosts))
        choice = choose([best, other], 2, -1)
        self.assertEqual((DEPENDS, {"a", "b"}), (choice.ending, choice.hosts))

    def test_equal_hosts_are_in_no_order(self):
        choice = choose([contender("a", ACCEPTED), contender("b", ERROR)], 1, -1)
        self.assertEqual((DEPENDS, {"a", "b"}), (choice.ending, choice.hosts))

    def test_a_host_that_refuses_softly_is_passed_over(self):
        refuses, good = contender("a", weight=2.0), contender("b", ACCEPTED)
        choice = choose([refuses, good], 1, -1)
        self.assertEqual((ACCEPTED, {"b"}), (choice.ending, choice.hosts))
        self.assertIs(REFUSED, choose([refuses, good], 1, 0).ending)

    def test_hosts_are_weighed_again_without_those_that_refused(self):
        light = Contender("a", frozenset({ACCEPTED}), False, 1.0, 3.0)
        heavy = Contender("b", frozenset({ERROR}), False, 2.0, 2.0)
        self.assertEqual({"a", "b"}, choose([light, heavy], 1, -1).hosts)
