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

"""vfio-lm-nova says in one line why nova cannot be asked, and prints nothing else then."""

import os
import pathlib
import subprocess
import sys
import tempfile

import testtools

from vfio_lm.inside_nova import main

_ENVIRONMENT = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}


def run(*arguments, script="from vfio_lm.inside_nova.main import main; sys.exit(main())"):
    return subprocess.run(
        [sys.executable, "-c", f"import sys; {script}", *arguments],
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


class TestMain(testtools.TestCase):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.conf = pathlib.Path(directory.name, "nova.conf")

    def assert_line(self, finished, text):
        self.assertEqual((1, ""), (finished.returncode, finished.stdout), finished.stderr)
        self.assertEqual(1, len(finished.stderr.splitlines()), finished.stderr)
        self.assertIn(text, finished.stderr)
        self.assertTrue(finished.stderr.startswith("vfio-lm-nova: "), finished.stderr)

    def test_a_nova_conf_that_is_not_there_or_broken(self):
        finished = run("--config-file", str(self.conf), "a")
        self.assert_line(finished, f"{self.conf}: cannot be read: No such file")
        self.conf.write_text("x\n[")
        self.assert_line(
            run("--config-file", str(self.conf), "a"), "not a configuration file: line 1"
        )

    def test_a_nova_conf_without_a_database(self):
        self.conf.write_text("[DEFAULT]\n")
        finished = run("--config-file", str(self.conf), "a")
        self.assert_line(finished, f"{self.conf}: [api_database]connection is not set")

    def test_a_database_that_is_not_there(self):
        self.conf.write_text("[api_database]\nconnection = sqlite:////nowhere/nova.sqlite\n")
        finished = run("--config-file", str(self.conf), "a")
        self.assert_line(finished, "the API database cannot be read: ")

    def test_a_server_of_databases_that_does_not_answer(self):
        self.conf.write_text(
            "[api_database]\nconnection = mysql+pymysql://nova:secret@127.0.0.1:1/nova_api\n"
        )
        finished = run("--config-file", str(self.conf), "a")
        self.assert_line(finished, "the API database cannot be read: ")
        self.assertNotIn("secret", finished.stderr)

    def test_a_database_that_is_not_novas(self):
        path = self.conf.with_name("empty.sqlite")
        self.conf.write_text(f"[api_database]\nconnection = sqlite:///{path}\n")
        path.touch()
        finished = run("--config-file", str(self.conf), "a")
        self.assert_line(finished, "the API database is of another version: its schema is none")

    def test_an_environment_without_nova(self):
        script = "sys.modules['nova'] = None; from vfio_lm.inside_nova.main import main; "
        finished = run("a", script=f"{script} sys.exit(main())")
        self.assert_line(finished, "has no nova: install vfio-lm where nova is")

    def test_a_question_about_nothing(self):
        self.assertEqual(2, run().returncode)
        for text in ("0", "-1", "x", "inf", "nan"):
            finished = run("--timeout", text, "a")
            self.assertEqual(2, finished.returncode)
            self.assertIn("must be a positive number", finished.stderr)

    def test_help_is_there_without_nova(self):
        finished = run(
            "--help",
            script="sys.modules['nova'] = None; from vfio_lm.inside_nova.main import main; main()",
        )
        self.assertEqual(0, finished.returncode, finished.stderr)
        self.assertIn("--facts", finished.stdout)
        self.assertNotIn("--serve", finished.stdout)
        self.assertEqual("vfio-lm-nova", main.PROGRAM)
