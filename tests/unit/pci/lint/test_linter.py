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

"""The linter misses nothing that nova refuses, and stumbles over no input."""

import json
import pathlib
import sys
import tempfile

import testtools
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nova.pci import request, whitelist

from tests.unit import strategies
from tests.unit.nova_rules import configured, on_host
from vfio_lm.pci import NovaRelease
from vfio_lm.pci.conf_text import ConfText, Setting, read_conf_text
from vfio_lm.pci.lint.corrections import corrected_sections, fix
from vfio_lm.pci.lint.linter import Service, Severity, lint

_RELEASES = st.sampled_from([None, *NovaRelease])


def service(aliases=(), specs=(), *, in_placement=False, reports=False):
    """Return a service as if it had been read from a file, one setting in a line."""
    pairs = [("[pci]alias", value) for value in aliases]
    pairs += [("[pci]device_spec", value) for value in specs]
    pairs.append(("[filter_scheduler]pci_in_placement", str(in_placement)))
    pairs.append(("[pci]report_in_placement", str(reports)))
    settings = (Setting(*pair, "nova.conf", line) for line, pair in enumerate(pairs, start=1))
    return Service("api", ConfText(("nova.conf",), tuple(settings)))


def nova_starts(aliases, specs, *, in_placement, reports):
    with (
        configured(aliases=aliases, pci_in_placement=in_placement, report_in_placement=reports),
        on_host(),
    ):
        try:
            request.get_alias_from_config()
            whitelist.Whitelist(specs)
        except Exception:  # noqa: BLE001 - nova stops with any of them
            return False
    return True


class TestAgainstNova(testtools.TestCase):
    @given(
        st.lists(strategies.ALIAS_VALUES, max_size=2),
        st.lists(strategies.DEVICE_SPEC_VALUES, max_size=2),
        st.booleans(),
        st.booleans(),
    )
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_what_nova_refuses_is_an_error(self, aliases, specs, in_placement, reports):
        if any("remote_managed" in value and "devname" in value for value in specs):
            return  # depends on the interfaces of the host
        options = {"in_placement": in_placement, "reports": reports}
        given_service = service(aliases, specs, **options)
        findings = lint([given_service])
        refused = {f.rule for f in findings if f.severity is Severity.ERROR}
        if not nova_starts(aliases, specs, **options):
            self.assertNotEqual(set(), refused)
        elif refused:
            # Nova starts, but what is asked for can never work.
            self.assertLessEqual(
                refused,
                {
                    "alias-capability-type",
                    "spec-devname-in-placement",
                    "spec-tag-not-text",
                    "trait-negated",
                },
            )

    @given(st.lists(strategies.ALIAS_VALUES, max_size=2), st.booleans())
    @example(
        [
            '{"name": "vf", "vendor_id": "8086", "product_id": "1515"}',
            '{"name": "vf", "resource_class": "CUSTOM_GPU"}',
        ],
        False,
    )
    def test_nova_accepts_what_the_corrections_leave_without_error(self, aliases, in_placement):
        (fixed,) = fix([service(aliases, in_placement=in_placement)]).services
        if any(finding.severity is Severity.ERROR for finding in lint([fixed])):
            return
        values = [setting.value for setting in fixed.text.of("[pci]alias")]
        last = fixed.text.last("[filter_scheduler]pci_in_placement").value
        in_placement = last.lower() == "true"
        self.assertTrue(nova_starts(values, [], in_placement=in_placement, reports=False))


_BYTES = st.binary(max_size=200)
_VALUES = st.one_of(
    strategies.JSON_VALUES.map(json.dumps),
    strategies.ALIAS_VALUES,
    strategies.DEVICE_SPEC_VALUES,
)
_KEYS = st.sampled_from(["alias", "device_spec", "report_in_placement", "devspec"])
_CONTENTS = st.lists(st.builds("{} = {}".format, _KEYS, _VALUES), max_size=3).map(
    lambda lines: "\n".join(
        ["[pci]", *lines, "[filter_scheduler]", "pci_in_placement = true"]
    ).encode()
)


def look_at(content, release):
    """Lint and fix two services with the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "nova.conf")
        path.write_bytes(content)
        services = [Service("a", read_conf_text([path])), Service("b", read_conf_text([path]))]
    for finding in lint(services, release=release):
        finding.corrected.encode()
        finding.why.encode()
    for line in corrected_sections(services, fix(services, release=release)):
        line.encode()


class TestAnyInput(testtools.TestCase):
    """No traceback, whatever the files hold."""

    @given(_BYTES, _RELEASES)
    def test_bytes(self, content, release):
        look_at(content, release)

    @given(_CONTENTS, _RELEASES)
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_json(self, content, release):
        look_at(content, release)

    def test_deep_json(self):
        deep = "[" * 900 + "]" * 900
        for value in ("[" * 100_000, deep, f'{{"vendor_id": {deep}}}', f'{{"address": {deep}}}'):
            look_at(f"[pci]\nalias = {value}\ndevice_spec = {value}\n".encode(), None)


def _loop(name, contents, count):
    """Look at many more inputs than a test run has time for."""
    seen = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(contents, _RELEASES)
    def look(content, release):
        seen.append(content)
        look_at(content, release)

    look()
    print(f"{name}: {len(seen)} inputs, {len(set(seen))} of them different, no traceback")


if __name__ == "__main__":  # python -m tests.unit.pci.lint.test_linter 25000
    _loop("bytes", _BYTES, int(sys.argv[1]))
    _loop("json", _CONTENTS, int(sys.argv[1]))
