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

"""The filter answers administrators, refuses all others, and hands on what is not for it."""

import json
import types

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.inside_nova import api_filter
from vfio_lm.inside_nova.api_filter import ApiFilter, filter_factory
from vfio_lm.inside_nova.child import BusyError, ChildError

ADMIN = types.SimpleNamespace(is_admin=True)
OTHER = types.SimpleNamespace(is_admin=False)


class FakeChild:
    """Answers with the question; or raises."""

    def __init__(self):
        self.error = None
        self.is_warm = False

    def warm_up(self):
        self.is_warm = True

    def ask(self, question, seconds):
        if self.error is not None:
            raise self.error
        return json.dumps(question).encode()


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"nova's own"]


class TestApiFilter(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.child = FakeChild()
        self.filter = ApiFilter(application, self.child, 60.0)

    def get(self, path, query="", context=ADMIN, method="GET"):
        started = []
        environ = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method}
        if context is not None:
            environ["nova.context"] = context
        body = b"".join(self.filter(environ, lambda *args: started.append(args)))
        ((status, headers),) = started
        self.headers = dict(headers)
        self.assertEqual(str(len(body)), self.headers.get("Content-Length", str(len(body))))
        return int(status[:3]), body

    def json(self, *args, **kwargs):
        status, body = self.get(*args, **kwargs)
        return status, json.loads(body)

    @given(st.sampled_from(["", "/"]) | st.text("/abos-vfilm0", max_size=20).map("/{}".format))
    def test_other_paths_are_novas(self, path):
        if api_filter._PATH.match(path) is None:
            self.assertEqual((200, b"nova's own"), self.get(path, context=None))

    def test_paths_that_only_look_like_ours_are_novas(self):
        for path in (
            "/os-vfio-lmx",
            "/servers/a/os-vfio-lm/facts",
            "/a/b/os-vfio-lm",
            "/x-os-vfio-lm",
        ):
            self.assertEqual((200, b"nova's own"), self.get(path), path)

    def test_a_client_finds_out_what_is_there(self):
        for path in ("/os-vfio-lm", "/os-vfio-lm/", "/6f70656e/os-vfio-lm"):
            status, body = self.json(path)
            self.assertEqual((200, 1), (status, body["vfio_lm"]["schema_version"]), path)
        self.assertTrue(self.child.is_warm)

    def test_a_question_is_handed_to_the_child(self):
        query = "server=a&server=b&host=c&source=d&all=true"
        status, asked = self.json("/os-vfio-lm/dry-run", query)
        self.assertEqual(200, status)
        self.assertEqual(
            {
                "servers": ["a", "b"],
                "host": "c",
                "source": "d",
                "is_about_all": True,
                "seconds": 60.0,
            },
            asked,
        )
        self.assertEqual(
            (200, {"wants_facts": True, "seconds": 60.0}), self.json("/p/os-vfio-lm/facts/")
        )

    def test_who_is_no_administrator_is_refused(self):
        for path in ("/os-vfio-lm", "/os-vfio-lm/facts", "/os-vfio-lm/nothing"):
            status, body = self.json(path, context=OTHER)
            self.assertEqual((403, 403), (status, body["forbidden"]["code"]))
        self.assertFalse(self.child.is_warm)

    def test_a_filter_in_the_wrong_place_says_so(self):
        status, body = self.json("/os-vfio-lm", context=None)
        self.assertEqual(500, status)
        self.assertIn("keystonecontext", body["internalServerError"]["message"])

    def test_nothing_can_be_changed(self):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            status, body = self.json("/os-vfio-lm/facts", method=method)
            self.assertEqual((405, "GET, HEAD"), (status, self.headers["Allow"]))
            self.assertIn("methodNotAllowed", body)

    def test_wrong_questions(self):
        for path, query, status, message in (
            ("/os-vfio-lm/nothing", "", 404, "there is no os-vfio-lm/nothing"),
            ("/os-vfio-lm/dry-run", "", 400, "one of server, source and all has to be given"),
            ("/os-vfio-lm/dry-run", "host=a", 400, "one of server, source and all"),
            ("/os-vfio-lm/dry-run", "mood=a", 400, "unknown parameter: mood"),
            ("/os-vfio-lm/facts", "server=a", 400, "unknown parameter: server"),
            ("/os-vfio-lm/dry-run", "server=a&host=b&host=c", 400, "host is given more than once"),
        ):
            found, body = self.json(path, query)
            ((_, error),) = body.items()
            self.assertEqual((status, True), (found, message in error["message"]), error)

    def test_a_child_that_cannot_answer(self):
        self.child.error = ChildError("nova cannot be asked: no database")
        status, body = self.json("/os-vfio-lm/facts")
        self.assertEqual(
            (503, "nova cannot be asked: no database"),
            (status, body["serviceUnavailable"]["message"]),
        )
        self.child.error = BusyError("other dry runs take all the time; try again later")
        status, _ = self.json("/os-vfio-lm/facts")
        self.assertEqual((503, "10"), (status, self.headers["Retry-After"]))


class TestFactory(testtools.TestCase):
    def command(self, **options):
        made = filter_factory({}, **options)(application)
        return list(made._child._command())

    def test_the_options_of_the_section(self):
        self.assertEqual(
            [
                *("/usr/bin/python3", "-m", "x y", "--serve", "--own-database-user"),
                *(
                    "--corrected",
                    "all",
                    "--config-file",
                    "/a",
                    "--config-file",
                    "/b",
                    "--config-dir",
                    "/c",
                ),
            ],
            self.command(
                command="/usr/bin/python3 -m 'x y'",
                config_file="/a, /b",
                config_dir="/c",
                own_database_user="true",
                corrected="all",
            ),
        )

    def test_without_any_it_reads_what_nova_api_reads(self):
        program, serve, *_ = self.command()
        self.assertTrue(program.endswith("vfio-lm-nova"))
        self.assertEqual("--serve", serve)

    def test_the_time_limit(self):
        self.assertEqual(5.0, filter_factory({}, time_limit="5")(application)._time_limit)
