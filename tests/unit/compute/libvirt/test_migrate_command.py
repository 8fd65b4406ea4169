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

"""Arguments that cannot be meant are refused before anybody is asked."""

import testtools

from tests.unit.compute.runs import run

MIGRATE = ("migrate", "g1", "qemu+ssh://b/system")


class TestArguments(testtools.TestCase):
    def assert_refused(self, expected, *arguments):
        status, _, errors = run(*arguments)
        self.assertEqual(1, status)
        self.assertIn(expected, errors)

    def test_a_map_or_auto_is_needed_and_not_both(self):
        self.assert_refused("one of the arguments --map --auto is required", *MIGRATE)
        both = ("--map", "0000:65:00.1=0000:ca:00.1", "--auto")
        self.assert_refused("not allowed with argument", *MIGRATE, *both)

    def test_auto_needs_the_facts_of_both_hosts_before_either_is_asked(self):
        for options in ((), ("--source-facts", "here.json")):
            self.assert_refused(
                "give the files as --source-facts and --destination-facts",
                *(*MIGRATE, "--auto", *options),
            )

    def test_a_map_has_two_addresses(self):
        self.assert_refused("'x' is not of the form SRC=DST", *MIGRATE, "--map", "x")
        self.assert_refused(
            "PCI address 'x': is not of the form DOMAIN:BUS:SLOT.FUNCTION",
            *(*MIGRATE, "--map", "0000:65:00.1=x"),
        )

    def test_limits_are_whole_numbers_above_0(self):
        for option in ("--bandwidth", "--downtime", "--timeout"):
            for value in ("0", "-1", "x", "1.5", "٣", str(2**31), "9" * 5000):
                self.assert_refused(
                    f"'{value}' is not a whole number above 0",
                    *MIGRATE,
                    "--auto",
                    f"{option}={value}",
                )


class TestHelp(testtools.TestCase):
    def test_it_says_what_becomes_of_a_killed_migration(self):
        status, output, _ = run("migrate", "--help")
        self.assertEqual(0, status)
        for expected in ("virsh domjobinfo DOMAIN", "virsh domjobabort DOMAIN", "exit status:"):
            self.assertIn(expected, output)
