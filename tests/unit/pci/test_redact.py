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

"""What is shown of a nova.conf is what nova reads there, without what may be secret."""

import pathlib

import fixtures
import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.pci.conf_text import Setting, read_conf_text
from vfio_lm.pci.redact import _SHOWN, is_well_formed, redacted

_NAMES = st.from_regex(r"[a-z]{1,12}(_[a-z]{1,8}){0,3}", fullmatch=True)
_SECTIONS = st.sampled_from(["DEFAULT", "pci", "libvirt", "compute", "filter_scheduler"]) | _NAMES


class TestRedacted(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "nova.conf"

    def shown(self, text: str) -> str:
        self.path.write_text(text)
        return redacted(read_conf_text([self.path]))

    def test_what_bears_on_live_migration_stays_as_nova_reads_it(self):
        text = (
            '[pci]\nalias = {"name": "a", "vendor_id": "8086",\n    "product_id": "1515"}\n'
            "device_spec = {}\n"
        )
        shown = self.shown(text)
        self.assertIn(text, shown)
        self.assertIn("nova.conf: 0 other options are left out", shown)
        before = read_conf_text([self.path]).settings
        self.path.write_text(shown)
        after = read_conf_text([self.path]).settings
        self.assertEqual([s.value for s in before], [s.value for s in after])

    def test_addresses_and_passwords_are_left_out(self):
        shown = self.shown(
            "[libvirt]\nlive_migration_uri = qemu+tcp://root:mellon@a/\n"
            "live_migration_inbound_addr = mellon\nconnection_uri = mellon\n"
            "[placement]\npassword = mellon\n[pci\nmellon\n"
        )
        self.assertNotIn("mellon", shown)
        self.assertIn("4 other options are left out", shown)

    def test_every_option_that_is_listed_is_one_of_nova_s(self):
        from tests.unit import nova_rules

        conf = nova_rules.nova.conf.CONF
        for name, is_taken in _SHOWN.items():
            section, _, key = name[1:].partition("]")
            group = conf if section == "DEFAULT" else conf[section]
            self.assertIn(key, group, name)
            if default := group[key]:
                text = ",".join(default) if isinstance(default, list) else str(default)
                is_taken(text)

    def test_a_value_that_nova_would_refuse_is_not_shown(self):
        for line in (
            "[pci]\nalias = mellon",
            '[pci]\nalias = {"name": "a", "mellon": 1}',
            '[pci]\ndevice_spec = {"address": "mellon"}',
            '[pci]\ndevice_spec = {"pass": "mellon"}',
            '[pci]\nalias = {"name": "a", "vendor_id": "8086", "product_id": "1515"}\n mellon',
            "[libvirt]\nlive_migration_downtime = mellon",
            "[libvirt]\nlive_migration_timeout_action = mellon",
            "[compute]\ncpu_dedicated_set = 1,mellon",
            "[filter_scheduler]\nenabled_filters = A,\n rabbit://mellon@h",
        ):
            shown = self.shown(f"{line}\n")
            self.assertNotIn("mellon", shown, line)
            self.assertIn(f"{self.path}:2: [", shown, line)
            self.assertIn("is not shown", shown, line)

    def test_who_mends_a_value_may_see_what_was_meant_as_an_object(self):
        for value, is_seen in (
            ("{'name': 'a',}", True),
            ('[{"name": "a"\n', False),
            ('{"name": "a"}\npassword = mellon}', False),
            ("{'password': 'mellon'}", False),
            ("mellon", False),
        ):
            self.assertEqual(is_seen, is_well_formed(Setting("[pci]alias", value)), value)

    @given(section=_SECTIONS, name=_NAMES)
    def test_an_option_that_speaks_of_secrets_is_never_shown(self, section, name):
        if section == "pci":
            return
        for secret in ("password", "secret", "uri", "url", "token", "key"):
            shown = self.shown(f"[{section}]\n{name}_{secret} = mellon\n")
            self.assertNotIn("mellon", shown)
