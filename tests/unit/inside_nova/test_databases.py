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

"""What is said about a database names the fault, and no password."""

import os
from unittest import mock

import testtools

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova.db.main import api

from vfio_lm.inside_nova.databases import reason, use_user_of


class TestReason(testtools.TestCase):
    def test_it_is_one_line_without_a_password(self):
        error = ValueError("cannot open\nmysql+pymysql://nova:se.cr-et@db/nova now")
        self.assertEqual("cannot open mysql+pymysql://***@db/nova now", reason(error))

    def test_an_error_without_a_text_is_named(self):
        self.assertEqual("KeyError", reason(KeyError()))


class TestUseUserOf(testtools.TestCase):
    def test_cells_are_opened_with_the_other_user(self):
        opened = []
        with mock.patch.object(api, "create_context_manager", opened.append):
            use_user_of("mysql+pymysql://reader:p%40ss@api-db/nova_api")
            api.create_context_manager("mysql+pymysql://nova:secret@cell-db/nova?charset=utf8")
            api.create_context_manager(None)
        self.assertEqual(["mysql+pymysql://reader:p%40ss@cell-db/nova?charset=utf8", None], opened)
