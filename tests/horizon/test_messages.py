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

"""The translations of the panel."""

from __future__ import annotations

import pathlib
import re
import shutil
import tempfile

from django.test.utils import override_settings
from django.utils import translation

from tests.horizon import messages
from tests.horizon.base import PanelTestCase, fleet
from tests.unit.inventory import cloud


class CatalogueTest(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = pathlib.Path(folder.name, "horizon_panel")
        shutil.copytree(messages.PACKAGE, self.copy)

    def test_every_string_is_in_the_catalogues(self) -> None:
        messages.extract(self.copy)
        for language in messages.LANGUAGES:
            now = messages.catalogue(language).read_text()
            extracted = messages.catalogue(language, self.copy).read_text()
            missing = sorted(set(_ids(extracted)) ^ set(_ids(now)))
            self.assertEqual([], missing, "run tox -e messages, and translate what is new")

    def test_german_is_complete_and_compiled(self) -> None:
        path = messages.catalogue("de")
        target = self.copy / "django.mo"
        said = messages.compile_catalogue(path, target)
        self.assertRegex(said, r"^\d+ translated messages\.$")
        self.assertEqual(target.read_bytes(), path.with_suffix(".mo").read_bytes())


class GermanTest(PanelTestCase):
    @override_settings(LANGUAGE_CODE="de")
    def test_the_page_is_german(self) -> None:
        self.addCleanup(translation.activate, translation.get_language())
        self.answer(hosts=fleet(cloud.device("compute1", used=3)))
        response = self.page("overview", HTTP_ACCEPT_LANGUAGE="de")
        self.assert_says(response, "Live-migrierbar", "3 von 4 Einheiten belegt", "Umstritten")


def _ids(text: str) -> list[str]:
    """Return what is to be translated, with its context, but not what is gone."""
    return re.findall(r'^((?:msgctxt ".*"\n)?msgid ".*")$', text, re.MULTILINE)
