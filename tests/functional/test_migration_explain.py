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

"""``openstack vfio migration explain`` after failures that real nova has made."""

from __future__ import annotations

from typing import Any

from tests.cloud import HostSpec
from tests.functional.base import YES, CloudTestCase, Finished

_IN_KERNEL = (
    "internal error: unable to execute QEMU command: VFIO migration is not supported in kernel"
)


class ExplainTestCase(CloudTestCase):
    def run_explain(self, server: str, *options: str) -> Finished:
        conf = str(self.cloud.nova_conf())
        return self.openstack(
            *("vfio", "migration", "explain", server, "-f", "json"),
            *("--nova-conf", conf, *options),
        )

    def explain(self, server: str, *options: str, status: int = 0) -> dict[str, Any]:
        done = self.run_explain(server, *options)
        self.assertEqual(status, done.status, done)
        told: dict[str, Any] = done.json()
        return told


class TestExplain(ExplainTestCase):
    def test_no_valid_host_is_explained_by_the_preflight(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.disable_host("compute2")
        self.assertIsNone(self.live_migrate(server))
        why = self.explain(server)
        self.assertEqual(("failed", "likely"), (why["result"], why["certainty"]), why)
        self.assertIn("No valid host was found", why["failed_events"][0])
        self.assertEqual("nova-compute is disabled", why["cause"])
        self.assertIn("--enable compute2 nova-compute", why["remedy"])

        self.cloud.enable_host("compute2")
        why = self.explain(server)
        self.assertEqual("possible", why["certainty"])
        self.assertIn("ready today: compute2", why["evidence"])

    def test_an_alias_without_yes_is_found_though_nova_does_not_say_so(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        self.assertIsNone(self.live_migrate(server))
        why = self.explain(server)
        self.assertEqual(("alias-live-migratable", "likely"), (why["check"], why["certainty"]), why)

    def test_words_of_libvirt_are_known_from_the_log_only(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.fail_next_migration(_IN_KERNEL)
        self.assertIsNone(self.live_migrate(server))
        why = self.explain(server, status=3)
        self.assertEqual((None, None, []), (why["cause"], why["certainty"], why["evidence"]))
        self.assertIn("log of nova-compute on compute1", why["next_step"])

        log = str(self.cloud.directory / "log" / "nova.log")
        why = self.explain(server, "--from-log", log)
        self.assertEqual(("certain", "host-drivers"), (why["certainty"], why["check"]), why)
        self.assertIn(_IN_KERNEL, why["evidence"][0])
        self.assertIsNone(why["next_step"])

    def test_words_that_nobody_knows_are_quoted(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.fail_next_migration("the moon is full")
        self.assertIsNone(self.live_migrate(server))
        log = str(self.cloud.directory / "log" / "nova.log")
        why = self.explain(server, "--from-log", log, status=3)
        self.assertIsNone(why["cause"])
        self.assertIn("the moon is full", why["evidence"][0])

    def test_a_good_end_needs_no_explanation(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.run_explain(server)
        self.assertEqual((1, ""), (done.status, done.output))
        self.assertIn("no record of a live migration", done.errors)
        self.assertEqual("compute2", self.live_migrate(server))
        why = self.explain(server)
        self.assertEqual(("completed", None), (why["result"], why["cause"]))
        done = self.run_explain(server, "--host", "nowhere")
        self.assertEqual(0, done.status, done.errors)
        done = self.run_explain(server, "--from-log", "/nonexistent/file")
        self.assertEqual(1, done.status)
        self.assertIn("/nonexistent/file", done.errors)


class TestNamedHost(ExplainTestCase):
    """The server could have gone to another host than the one that was named."""

    hosts = tuple(HostSpec(f"compute{number}", device_specs=(YES,)) for number in (1, 2, 3))

    def test_what_counts_of_a_host_that_was_named_is_that_host(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.disable_host("compute2")
        self.assertIsNone(self.live_migrate(server, host="compute2"))
        why = self.explain(server)
        self.assertEqual("possible", why["certainty"])
        self.assertIn("another host was named", why["cause"])
        self.assertIn("--host HOST", why["remedy"])
        why = self.explain(server, "--host", "compute2")
        self.assertEqual(("nova-compute is disabled", "likely"), (why["cause"], why["certainty"]))
        self.assertNotIn("compute3", " ".join(why["evidence"]))
