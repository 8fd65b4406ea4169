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

"""A row names in its sentence what the text names, and needs no second remedy."""

import testtools

from vfio_lm.error_texts import Software
from vfio_lm.error_texts.row import row


def made(**fields):
    return row(
        "x",
        Software.QEMU,
        r"no (\w+) here",
        "there is no {0}",
        remedy="bring one",
        source="x.c",
        since="8.0",
        **fields,
    )


class TestRow(testtools.TestCase):
    def test_the_sentence_names_what_the_text_names(self):
        self.assertEqual("there is no fish", made().sentence("sorry: no fish here"))

    def test_the_remedy_without_nova_is_the_same_if_no_other_is_given(self):
        self.assertEqual("bring one", made().without_nova)
        self.assertEqual("buy one", made(without_nova="buy one").without_nova)
