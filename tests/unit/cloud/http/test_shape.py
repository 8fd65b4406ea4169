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


"""What is read of an answer has its type; what has another is refused with the way to it."""

from __future__ import annotations

import datetime
import json

import hypothesis
import testtools
from hypothesis import strategies as st

from vfio_lm.cloud.http.shape import (
    Fields,
    ShapeError,
    anything,
    flag,
    listed,
    mapped,
    nullable,
    real,
    record,
    text,
    utc,
    whole,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class TestKinds(testtools.TestCase):
    def test_what_is_taken(self) -> None:
        cases = (
            (text, "ä", "ä"),
            (flag, False, False),
            (whole, -(2**63), -(2**63)),
            (real, 1.5, 1.5),
            (real, 2, 2.0),
            (anything, [None], [None]),
            (nullable(text), None, None),
            (listed(whole), [1, 2], [1, 2]),
            (mapped(flag), {"a": True}, {"a": True}),
            (record(lambda item: item("a", whole)), {"a": 3}, 3),
        )
        for kind, value, expected in cases:
            self.assertEqual(expected, kind(value))

    def test_what_is_refused_and_why(self) -> None:
        cases = (
            (text, None, "is null, not a string"),
            (text, "\ud800", "is not valid Unicode"),
            (flag, 1, "is a number, not a boolean"),
            (whole, True, "is a boolean, not a whole number"),
            (whole, 1.0, "is a number, not a whole number"),
            (whole, 2**63, "more than 64 bits"),
            (real, float("nan"), "not a whole number"),
            (real, float("inf"), "not a whole number"),
            (listed(text), {}, "is an object, not a list"),
            (mapped(text), [], "is a list, not an object"),
            (mapped(text), {"\ud800": "a"}, "is not valid Unicode"),
            (utc, "soon", "is not a time: 'soon'"),
            (utc, 5, "is a number, not a string"),
            (utc, "0001-01-01T00:00:00+14:00", "is not a time"),
        )
        for kind, value, reason in cases:
            error = self.assertRaises(ShapeError, kind, value)
            self.assertIn(reason, str(error))

    def test_times_are_in_utc_whether_they_say_so_or_not(self) -> None:
        noon = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
        for written in (
            "2026-11-24T12:00:00.000000",
            "2026-11-24T12:00:00Z",
            "2026-11-24 14:00+02",
        ):
            self.assertEqual(noon, utc(written))
            self.assertEqual(datetime.UTC, utc(written).tzinfo)

    @hypothesis.given(JSON)
    def test_any_json_is_taken_with_its_type_or_refused(self, value: object) -> None:
        types = {text: str, flag: bool, whole: int, real: float, utc: datetime.datetime}
        for kind, type_ in types.items():
            try:
                self.assertIs(type_, type(kind(value)))
            except ShapeError as exc:
                self.assertEqual(1, len(str(exc).splitlines()))


class TestFields(testtools.TestCase):
    def test_a_missing_field_is_not_a_field_that_is_null(self) -> None:
        item = Fields({"a": None})
        self.assertIsNone(item("a", nullable(text)))
        error = self.assertRaises(ShapeError, item, "b", nullable(text))
        self.assertEqual("b is missing", str(error))

    def test_a_field_that_may_be_left_out_may_be_null(self) -> None:
        item = Fields({"a": None, "b": "text", "c": 1})
        self.assertEqual(
            ["none", "text", "none"], [item.get(name, text, "none") for name in ("a", "b", "d")]
        )
        self.assertRaises(ShapeError, item.get, "c", text, "none")
        self.assertEqual([True, False], [name in item for name in ("a", "d")])

    def test_only_an_object_has_fields(self) -> None:
        for value in (None, [], "text", 5, True):
            error = self.assertRaises(ShapeError, Fields, value)
            self.assertIn("not an object", str(error))


class TestPath(testtools.TestCase):
    def test_an_error_says_where_in_the_answer_it_is(self) -> None:
        answer = json.loads('{"servers": [{"flavor": {"vcpus": 1}}, {"flavor": {"vcpus": null}}]}')
        vcpus = record(lambda flavor: flavor("vcpus", whole))
        servers = listed(record(lambda server: server("flavor", vcpus)))
        error = self.assertRaises(ShapeError, Fields(answer), "servers", servers)
        self.assertEqual("servers[1].flavor.vcpus is null, not a whole number", str(error))

    def test_the_answer_as_a_whole_has_no_path(self) -> None:
        error = self.assertRaises(ShapeError, Fields, [])
        self.assertEqual("the answer is a list, not an object", str(error))

    def test_names_that_are_data_stand_in_one_line(self) -> None:
        error = self.assertRaises(ShapeError, mapped(text), {"a\nb": None})
        self.assertEqual("['a\\nb'] is null, not a string", str(error))
