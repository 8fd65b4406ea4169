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


"""Each promise of the security page has a test that exists."""

import ast
import pathlib
import re

import testtools

_TOP = pathlib.Path(__file__).parents[3]
_PAGE = _TOP / "doc" / "source" / "security.rst"
_NAME = re.compile(r"``(tests(?:\.\w+)+)``")


def _exists(name: str) -> bool:
    """Whether a module of tests, a class in it, or a test of the class has this name."""
    parts = name.split(".")
    while parts and not (path := _TOP.joinpath(*parts).with_suffix(".py")).is_file():
        parts.pop()
    if not parts:
        return False
    nodes = ast.parse(path.read_text()).body
    for wanted in name.split(".")[len(parts) :]:
        found = [each for each in nodes if getattr(each, "name", None) == wanted]
        if not found:
            return False
        nodes = getattr(found[0], "body", [])
    return True


class TestSecurityPage(testtools.TestCase):
    def test_each_test_that_it_names_exists(self) -> None:
        names = _NAME.findall(_PAGE.read_text())
        self.assertGreater(len(names), 30)
        self.assertEqual([], [name for name in names if not _exists(name)])

    def test_each_promise_names_one(self) -> None:
        text = _PAGE.read_text()
        for table in (
            "What is kept from whom",
            "What comes from outside",
            "What fails or changes meanwhile",
        ):
            rows = text.partition(f"list-table:: {table}")[2].partition("\n\nH")[0]
            rows = rows.partition("\n.. list-table")[0].partition("\nKnown vulnerabilities")[0]
            _, *promises = rows.split("\n   * - ")[1:]
            self.assertGreater(len(promises), 5)
            for promise in promises:
                held_by = promise.partition("\n     - ")[2]
                self.assertRegex(held_by, _NAME, promise)

    def test_a_name_that_is_none_is_found(self) -> None:
        own = "tests.unit.operations.test_security_page"
        self.assertTrue(_exists(f"{own}.TestSecurityPage.test_a_name_that_is_none_is_found"))
        for name in (f"{own}.TestSecurityPage.test_x", f"{own}.X", "tests.unit.none", "none.x"):
            self.assertFalse(_exists(name), name)
