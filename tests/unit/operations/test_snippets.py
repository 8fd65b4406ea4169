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

"""The snippets for kolla, RHOSO, OpenStack-Helm and the image of the agent say what they should."""

import configparser
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

import jinja2
import testtools
import yaml

from vfio_lm.inside_nova import switch
from vfio_lm.inside_nova.corrections import NAMES
from vfio_lm.pci import read_nova_conf

_CONTRIB = pathlib.Path(__file__).parents[3] / "contrib"

#: nova-operator 01cb5a2, templates/nova/nova.conf: what bears on a live migration.
_OPERATOR = """\
[libvirt]
live_migration_permit_post_copy=true
live_migration_permit_auto_converge=true
live_migration_timeout_action=force_complete
"""

#: The blocks that kolla's templates have (kolla 00d2e96, docker/*/*/Dockerfile.j2).
_PARENT = """\
{% block nova_base_footer %}{% endblock %}
{% block horizon_footer %}{% endblock %}
{{ nova_libvirt_packages_append | default([]) | join(' ') }}
"""


class SnippetTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def yaml(self, name):
        return yaml.safe_load((_CONTRIB / name).read_text())


class TestKolla(SnippetTestCase):
    def dockerfile(self):
        loader = jinja2.DictLoader({"parent": _PARENT})
        template = (_CONTRIB / "kolla" / "template-overrides.j2").read_text()
        environment = jinja2.Environment(loader=loader)
        return environment.from_string(template).render(parent_template="parent")

    def run_lines(self):
        joined = self.dockerfile().replace("\\\n", " ")
        return [line[4:] for line in joined.splitlines() if line.startswith("RUN ")]

    def test_the_shell_takes_what_is_run(self):
        for line in self.run_lines():
            subprocess.run(["sh", "-n", "-c", line], check=True)

    def test_nova_compute_is_corrected(self):
        path = self.folder / "vfio-lm.conf"
        (line,) = (each for each in self.run_lines() if switch.PATH in each)
        subprocess.run(["sh", "-c", line.replace(switch.PATH, shlex.quote(str(path)))], check=True)
        with mock.patch.object(switch, "PATH", str(path)):
            self.assertEqual(NAMES, switch.wanted())

    def test_the_image_of_libvirt_gets_a_python_for_the_guard(self):
        self.assertEqual("python3", self.dockerfile().strip().splitlines()[-1])

    def test_the_package_is_a_plugin_of_both_images(self):
        parser = configparser.ConfigParser()
        parser.read(_CONTRIB / "kolla" / "kolla-build.conf")
        images = [name.partition("-plugin-")[0] for name in parser.sections()]
        self.assertEqual(["nova-base", "horizon"], images)

    def test_the_folder_of_hooks_is_where_the_role_puts_the_guard(self):
        volumes = self.yaml("kolla/globals.yml")["nova_libvirt_extra_volumes"]
        layouts = self.yaml("ansible/roles/vfio_lm/vars/main.yaml")["vfio_lm_layouts"]
        for name in ("kolla-docker", "kolla-podman"):
            self.assertIn(f"'{layouts[name]['hooks']}:/etc/libvirt/hooks:ro'", volumes)
        self.assertIn("nova_extra_volumes", volumes)


class TestEdpm(SnippetTestCase):
    def test_it_overrides_the_settings_with_which_every_migration_fails(self):
        data = self.yaml("edpm/nova-extra-config.yaml")["data"]
        folder = self.folder / "nova.conf.d"
        folder.mkdir()
        (folder / "01-nova.conf").write_text(_OPERATOR)
        self.assertTrue(read_nova_conf([folder]).permit_post_copy)
        for name, text in data.items():
            self.assertGreaterEqual(int(name.partition("-")[0]), 25)
            (folder / name).write_text(text)
        self.assertFalse(read_nova_conf([folder]).permit_post_copy)
        self.assertIn("live_migration_timeout_action = abort", "".join(data.values()))


class TestOpenStackHelm(SnippetTestCase):
    def test_each_mount_has_its_volume(self):
        for name, *path in (
            ("nova", "nova_compute", "nova_compute"),
            ("libvirt", "libvirt", "libvirt"),
        ):
            mounts = self.yaml(f"openstack-helm/{name}.yaml")["pod"]["mounts"]
            for each in path:
                mounts = mounts[each]
            volumes = {each["name"] for each in mounts["volumes"]}
            self.assertEqual(volumes, {each["name"] for each in mounts["volumeMounts"]})

    def test_libvirt_calls_the_guard_as_the_plain_hook_which_may_be_run(self):
        mounts = self.yaml("openstack-helm/libvirt.yaml")["pod"]["mounts"]["libvirt"]["libvirt"]
        self.assertEqual("/etc/libvirt/hooks/qemu", mounts["volumeMounts"][0]["mountPath"])
        self.assertEqual(0o555, mounts["volumes"][0]["configMap"]["defaultMode"])


class TestContainerfile(testtools.TestCase):
    def instructions(self):
        text = (_CONTRIB / "container" / "Containerfile").read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return [line.partition(" ")[::2] for line in lines]

    def test_every_instruction_is_one(self):
        known = {"FROM", "COPY", "RUN", "LABEL", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}
        self.assertEqual(set(), {name for name, _ in self.instructions()} - known)

    def test_the_shell_takes_what_is_run(self):
        for name, line in self.instructions():
            if name == "RUN":
                subprocess.run(["sh", "-n", "-c", line], check=True)

    def test_each_base_has_a_version(self):
        for name, line in self.instructions():
            if name == "FROM":
                self.assertRegex(line, r"^\S+/python:3\.\d+-slim( AS \w+)?$")

    def test_it_does_not_run_as_root(self):
        *_, (last, _) = (each for each in self.instructions() if each[0] in ("USER", "FROM"))
        self.assertEqual("USER", last)
        (user,) = (line for name, line in self.instructions() if name == "USER")
        self.assertTrue(all(int(each) > 0 for each in user.split(":")))

    def test_its_command_needs_no_shell(self):
        (command,) = (line for name, line in self.instructions() if name == "ENTRYPOINT")
        self.assertEqual(["/opt/vfio-lm/bin/vfio-placement-sync"], json.loads(command))

    def test_its_health_is_that_of_the_agent(self):
        (line,) = (line for name, line in self.instructions() if name == "HEALTHCHECK")
        _, dash_c, script = json.loads(line.partition("CMD ")[2])
        self.assertEqual("-c", dash_c)
        self.assertIn("127.0.0.1:9857/health", script)
        for status, code in ((200, 0), (503, 1)):
            with _served(status) as port:
                command = [sys.executable, "-c", re.sub("9857", str(port), script)]
                done = subprocess.run(command, capture_output=True, check=False)
            self.assertEqual(code, done.returncode, status)


class _served:  # noqa: N801 - used as a function
    """An agent that answers everything with one status."""

    def __init__(self, status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self._server.server_port

    def __exit__(self, *args):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
