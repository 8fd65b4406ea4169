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

"""What is quoted holds no secret, wherever a broken file has put one."""

import testtools
from oslo_config import cfg

from vfio_lm.errors import ConfigError, OptionError, VfioLmError
from vfio_lm.quoting import (
    may_be_quoted,
    names_secret,
    quoted,
    refusal_of_value,
    without_credentials,
)


class TestWithoutCredentials(testtools.TestCase):
    def test_user_and_password_of_a_url_are_left_out(self):
        for url, expected in (
            ("rabbit://nova:mellon@r:5672/", "rabbit://***@r:5672/"),
            ("rabbit://a:mellon@r1,b:mellon@r2/", "rabbit://***@r2/"),
            ("mysql+pymysql://nova:mel/l@on@db/nova", "mysql+pymysql://***@db/nova"),
            ("http://token@h", "http://***@h"),
            ("see http://h/path and mail a@b", "see http://h/path and mail a@b"),
        ):
            self.assertEqual(f"x {expected} y", without_credentials(f"x {url} y"))


class TestMayBeQuoted(testtools.TestCase):
    def test_a_value_of_several_lines_may_have_swallowed_others(self):
        self.assertTrue(may_be_quoted('{"name": "a"}'))
        self.assertFalse(may_be_quoted('{"name": "a"}\nconnection = x'))
        self.assertFalse(may_be_quoted("a\rb"))

    def test_a_name_that_speaks_of_secrets_and_has_a_value(self):
        for text in (
            "password = x", "rabbit_password: x", '{"auth_token": "x"}', "client-secret=x",
            "PASSWD=x", "OS_PASSWORD=x", "secret_key: x", "{'metadata_proxy_shared_secret': 'x'}", "amqp://u:p@h",
        ):  # fmt: skip
            self.assertTrue(names_secret(text), text)
            self.assertEqual("", quoted(text))
        for text in (
            "passwort", "password", "no token was given", "http://h",
            "the host lacks COMPUTE_SECURITY_TPM_SECRET_SECURITY_HOST: choose another",
        ):  # fmt: skip
            self.assertFalse(names_secret(text), text)


class TestRefusalOfValue(testtools.TestCase):
    def refusal(self, text):
        return refusal_of_value(ValueError(text))

    def test_it_is_what_oslo_config_says(self):
        said = "Value for option interval from /a.conf is not valid: invalid literal: 'often'"
        self.assertEqual("invalid literal: 'often'", self.refusal(said))

    def test_it_quotes_nothing_that_may_be_a_secret(self):
        said = "Value for option debug from /a.conf is not valid: Unexpected value 'yes\nmellon'"
        self.assertIn("has several lines", self.refusal(said))
        said = "Value for option debug from /a.conf is not valid: 'password = mellon'"
        self.assertNotIn("mellon", self.refusal(said))

    def test_an_option_that_a_password_seems_to_refer_to(self):
        error = cfg.NoSuchOptError("llon")
        self.assertNotIn("llon", refusal_of_value(error, "{}\npassword = me$llon"))


class TestErrors(testtools.TestCase):
    def test_no_error_quotes_a_secret(self):
        for error in (
            VfioLmError("http://admin:mellon@h/ does not answer"),
            ConfigError("/a.conf", "[pci]alias", "{}\nconnection = mellon", "not valid JSON"),
            OptionError("password = mellon", "is not a number"),
        ):
            self.assertNotIn("mellon", str(error))
            self.assertNotIn("mellon", getattr(error, "reason", ""))
