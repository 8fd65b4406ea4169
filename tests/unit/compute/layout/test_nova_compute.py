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

"""Which files a nova-compute reads, by its command line; oslo.config judges their order."""

from __future__ import annotations

import itertools
import os
import pathlib

import fixtures
import testtools
from oslo_config import cfg

from tests.unit.compute.layout import hosts
from vfio_lm.compute.layout.nova_compute import conf_paths, running_nova_computes


class TestConfPaths(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.root = self.folder / "container"
        self.processes = hosts.Processes(self.folder)
        self.pids = itertools.count(9)

    def write(self, path: str, value: str = "1") -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[DEFAULT]\nx = {value}\n")

    def paths(self, *arguments: str) -> list[str]:
        """Return them as the process has them."""
        pid = next(self.pids)
        self.processes.start_nova_compute(self.root, *arguments, pid=pid)
        process = running_nova_computes(str(self.processes.proc))[-1]
        root = f"{self.processes.proc}/{pid}/root"
        return [each[len(root) :] for each in conf_paths(process)]

    def test_without_arguments_the_usual_ones_that_are_there(self) -> None:
        self.write("etc/nova/nova.conf")
        self.assertEqual(["/etc/nova/nova.conf"], self.paths())
        self.write("etc/nova/nova-compute.conf")
        self.write("etc/nova/nova.conf.d/01.conf")
        (self.root / "etc/nova/nova-compute.conf.d").mkdir()
        wanted = ["/etc/nova/nova.conf", "/etc/nova/nova-compute.conf", "/etc/nova/nova.conf.d"]
        self.assertEqual(wanted, self.paths())

    def test_a_file_that_is_named_takes_the_place_of_the_usual_files(self) -> None:
        for each in ("etc/nova/nova.conf", "etc/nova/nova-cpu.conf", "etc/nova/nova.conf.d/1.conf"):
            self.write(each)
        wanted = ["/etc/nova/nova.conf.d", "/etc/nova/nova-cpu.conf"]
        self.assertEqual(wanted, self.paths("--config-file", "/etc/nova/nova-cpu.conf"))
        self.assertEqual(wanted, self.paths("--config-file=/etc/nova/nova-cpu.conf"))

    def test_a_folder_that_is_named_takes_the_place_of_the_usual_folders(self) -> None:
        for each in ("etc/nova/nova.conf", "etc/nova/nova.conf.d/1.conf", "conf/1.conf"):
            self.write(each)
        wanted = ["/etc/nova/nova.conf", "/conf"]
        self.assertEqual(wanted, self.paths("--config-dir", "/conf", "--debug"))

    def test_the_order_is_that_of_oslo_config(self) -> None:
        named = ("a.conf", "b.conf", "d/1.conf")
        for each in named:
            self.write(each, each)
        arguments = ("--config-file", "/b.conf", "--config-dir", "/d", "--config-file", "/a.conf")
        paths = self.paths(*arguments)
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.MultiStrOpt("x"))
        real = [each if each.startswith("--") else f"{self.root}{each}" for each in arguments]
        conf(real, project="nova", default_config_files=[], default_config_dirs=[])
        order = [each.strip("/").replace("d/1.conf", "d") for each in conf.x]
        self.assertEqual([each.strip("/") for each in paths], order)

    def test_names_with_signs_of_patterns(self) -> None:
        self.write("etc/nova[1]/nova.conf")
        path = "/etc/nova[1]/nova.conf"
        self.assertEqual([path], self.paths("--config-file", path))

    def test_a_relative_name(self) -> None:
        self.write("opt/nova.conf")
        self.assertEqual(["/opt/nova.conf"], self.paths("--config-file", "opt/nova.conf"))

    def test_other_processes_are_none(self) -> None:
        self.assertEqual([], running_nova_computes(str(self.processes.proc)))
        self.assertNotIn(os.getpid(), [each.pid for each in running_nova_computes()])
