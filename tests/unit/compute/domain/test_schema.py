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

"""A domain's XML is held against libvirt's schema, where there is one."""

from __future__ import annotations

import pathlib
import sys
from unittest import mock

import fixtures
import testtools

from vfio_lm.compute.domain.schema import DomainSchema, SchemaError
from vfio_lm.errors import VfioLmError

_SCHEMA = """\
<element name='domain' xmlns='http://relaxng.org/ns/structure/1.0'>
  <element name='name'><text/></element>
</element>
"""


class TestSchema(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "domain.rng")
        self.path.write_text(_SCHEMA)

    def test_xml_that_follows_it_and_xml_that_does_not(self) -> None:
        schema = DomainSchema(self.path)
        self.assertIsNone(schema.mistake("<domain><name>g1</name></domain>"))
        said = schema.mistake("<domain>\n<title>g1</title>\n</domain>") or ""
        self.assertIn("line 2: ", said)
        self.assertIn("Premature end", schema.mistake("<domain>") or "")

    def test_no_schema_and_a_file_that_is_none(self) -> None:
        for text in ("<domain/>", "<domain"):
            self.path.write_text(text)
            error = self.assertRaises(SchemaError, DomainSchema, self.path)
            self.assertIn(f"{self.path}: is no RELAX NG schema", str(error))
        self.path.unlink()
        error = self.assertRaises(SchemaError, DomainSchema, self.path)
        self.assertIn("install libvirt, or do without the check", str(error))

    def test_without_lxml(self) -> None:
        with mock.patch.dict(sys.modules, {"lxml": None}):
            error = self.assertRaises(VfioLmError, DomainSchema, self.path)
        self.assertIn("openstack-vfio-lm with its extra [compute]", str(error))
