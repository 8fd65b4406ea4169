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

"""What vfio-lm-nova printed on the embedded cloud is read, and says what its name says."""

import pathlib

import testtools

from vfio_lm.pci.nova_word import Decider, Ending, read_nova_word

EXAMPLES = pathlib.Path(__file__).with_name("examples")


def read(name):
    return read_nova_word(EXAMPLES / f"{name}.json")


class TestExamples(testtools.TestCase):
    def test_each_is_of_a_real_nova(self):
        for path in EXAMPLES.iterdir():
            self.assertRegex(read_nova_word(path).nova_version, r"^3\d\.\d")

    def test_accepted(self):
        (answer,) = read("accepted").answers
        self.assertIs(Ending.ACCEPTED, answer.ending)
        self.assertEqual({"compute2", "compute3"}, {each.host for each in answer.destinations})
        self.assertTrue(any(each.may_be_chosen for each in answer.destinations))

    def test_a_server_that_would_go_to_error(self):
        (answer,) = read("error").answers
        self.assertIs(Ending.ERROR, answer.ending)
        objections = [each for host in answer.destinations for each in host.objections]
        self.assertEqual({"PciDeviceRequestFailed"}, {each.name for each in objections})

    def test_one_host(self):
        (answer,) = read("one-host").answers
        (destination,) = answer.destinations
        self.assertTrue(answer.is_about_one_host)
        self.assertEqual(answer.ending, destination.ending)

    def test_refused_by_the_api(self):
        (answer,) = read("refused-by-api").answers
        self.assertEqual([Decider.API], [each.decider for each in answer.objections])

    def test_refused_by_all_hosts(self):
        (answer,) = read("refused-by-hosts").answers
        deciders = {each.host: each.objections[0].decider for each in answer.destinations}
        self.assertEqual({"compute2": Decider.FILTER, "compute3": Decider.PLACEMENT}, deciders)

    def test_facts(self):
        word = read("facts")
        self.assertEqual(((), 3), (word.answers, len(word.hosts)))
        host = word.hosts[0]
        self.assertEqual([0, 1], [cell.id for cell in host.cells])
        self.assertEqual([0, 1], [pool.numa_node for pool in host.pools])
        server = next(each for each in word.servers if each.name == "pinned")
        self.assertEqual("compute1", server.devices[0].host)
        self.assertEqual(1, len(server.cells[0].pinning))

    def test_all(self):
        word = read("all")
        asked = [server for answer in word.answers for server in answer.servers]
        self.assertEqual(sorted(each.id for each in word.servers), sorted(asked))

    def test_incomplete(self):
        word = read("incomplete")
        self.assertEqual(1, len(word.answers))
        (omission,) = word.omissions
        self.assertEqual("does not exist", omission.reason)
