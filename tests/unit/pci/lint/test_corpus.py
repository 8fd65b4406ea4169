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

"""The linter finds in the corpus what is wrong there, and nothing else."""

import re

import testtools

from tests import corpus
from vfio_lm.errors import ConfigError
from vfio_lm.pci import read_nova_conf
from vfio_lm.pci.lint.catalogue import RULES
from vfio_lm.pci.lint.corrections import fix
from vfio_lm.pci.lint.linter import Severity, lint

_FEWEST_CASES = 80


class TestCorpus(testtools.TestCase):
    def test_every_case_has_the_findings_that_it_expects(self):
        wrong = []
        for case in corpus.cases():
            findings = lint(case.services, release=case.release)
            found = sorted(map(corpus.found, findings), key=str)
            if found != list(case.expected):
                wrong.append(f"{case.name}:\n  expected {case.expected}\n  found    {found}")
        self.assertEqual("", "\n".join(wrong))

    def test_every_rule_has_a_case(self):
        expected = {rule for case in corpus.cases() for _, rule, _, _ in case.expected}
        self.assertEqual({rule.id for rule in RULES}, expected)

    def test_the_corpus_is_large(self):
        self.assertGreaterEqual(len(list(corpus.cases())), _FEWEST_CASES)

    def test_names_of_rules_are_unique_and_in_kebab_case(self):
        names = [rule.id for rule in RULES]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual([], [name for name in names if not re.fullmatch("[a-z]+(-[a-z]+)*", name)])

    def test_corrections_leave_nothing_to_correct(self):
        for case in corpus.cases():
            left = fix(case.services, release=case.release).left
            self.assertEqual([], [each for each in left if each.replacement], case.name)

    def test_the_strict_reader_accepts_what_the_linter_calls_good(self):
        for path in sorted(corpus.FOLDER.glob("*.conf")):
            with self.subTest(path.name):
                if path.stem.startswith("good-"):
                    read_nova_conf([path])

    def test_what_the_strict_reader_refuses_is_an_error(self):
        for case in corpus.cases():
            for service in case.services:
                try:
                    read_nova_conf(service.text.sources)
                except ConfigError:
                    severities = {f.severity for f in lint([service], release=case.release)}
                    self.assertIn(Severity.ERROR, severities, case.name)
