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

"""The language of extra specs, held against nova's own function."""

from __future__ import annotations

import itertools

import testtools
from nova.scheduler.filters import extra_specs_ops

from vfio_lm.preflight.rules.extra_spec_ops import satisfies_extra_spec

_ASKED = (
    "",
    "gold",
    "= 5",
    "== 5",
    "!= 5",
    ">= 5",
    "<= 5",
    "s== gold",
    "s!= gold",
    "s< gold",
    "s<= gold",
    "s> gold",
    "s>= gold",
    "<in> ol",
    "<in>",
    "<all-in> gold g",
    "<all-in>",
    "<or> gold",
    "<or> silver <or> gold",
    "<or> silver <or>",
    "s==",
    "gold silver",
    ">5",
)
_VALUES = ("", "gold", "silver", "5", "5.0", "7", "gold silver", ">5")


class TestSatisfiesExtraSpec(testtools.TestCase):
    def test_it_says_what_nova_says(self):
        for value, asked in itertools.product(_VALUES, _ASKED):
            self.assertEqual(
                self.outcome(extra_specs_ops.match, value, asked),
                self.outcome(satisfies_extra_spec, value, asked),
                (value, asked),
            )

    def outcome(self, function, value, asked):
        try:
            return bool(function(value, asked))
        except ValueError:
            return "no number"
