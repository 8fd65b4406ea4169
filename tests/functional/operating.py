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

"""Somebody who does what a remedy says, to the letter: its lines are parsed out of it and run."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from typing import Any

import nova.conf
import placement.conf
from oslo_config import cfg

from osc_vfio_lm import inputs
from tests.cloud.administrator import wait_for
from tests.functional.base import CloudTestCase
from tests.functional.host_knowledge import ABLE, host_facts, users
from vfio_lm.pci.device_spec import SELECTORS
from vfio_lm.preflight import Report, check_with

_IN_CONF = re.compile(r"in \[(\w+)\] of (nova|placement)\.conf(?: on (\S+?))?(?: |,|:|$)")
_ON_HOST = re.compile(r"\bon (\S+):$")
_LONG_AGO = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Step:
    """A line of a remedy that can be pasted, with the line before, which says where to."""

    place: str
    line: str


def ways(remedy: str) -> list[list[Step]]:
    """Return the steps of each way that a remedy offers."""
    found: list[list[Step]] = [[]]
    place = ""
    for line in remedy.splitlines():
        if line.startswith("  "):
            found[-1].append(Step(place, line[2:]))
            continue
        if re.match(r"or\b", line):
            found.append([])
        place = line
    return found


class Operator:
    """Knows the cloud, and what the preflight knows of it so far."""

    def __init__(self, case: CloudTestCase, folder: pathlib.Path) -> None:
        self.case = case
        self.folder = folder
        #: What is to be filled in for the words in capitals.
        self.words: dict[str, str] = {}
        self.options: list[str] = []
        #: What is said of the devices of a host beyond ABLE, by host and address (None: of all).
        self.devices: dict[tuple[str, str | None], dict[str, Any]] = collections.defaultdict(dict)
        self.servers: list[str] = []
        #: How much later than now the preflight is asked.
        self.later = datetime.timedelta()
        self.is_told_of_hosts = False
        self.connection = case.connection
        self._specs = {host.name: host for host in case.hosts}
        self._lines: dict[str | None, str] = collections.defaultdict(str)
        os.utime(case.cloud.nova_conf(), (_LONG_AGO, _LONG_AGO))

    def check(self, server: str) -> Report:
        """Run the preflight with all that it was set to know."""
        parser = argparse.ArgumentParser()
        inputs.add_preflight_inputs(parser)
        parser.add_argument("--host")
        given = parser.parse_args(self.options)
        known = inputs.read_preflight_inputs(given)
        known = dataclasses.replace(known, now=known.now + self.later)
        return check_with(self.connection, server, known, host=given.host)

    def know_api(self) -> None:
        """Tell the preflight of the nova.conf of nova-api."""
        self.options += ["--nova-conf", self.conf_file(None)]

    def know_hosts(self) -> None:
        """Tell the preflight all about the hosts."""
        self.is_told_of_hosts = True
        for host in self._specs:
            self.options += ["--nova-conf", f"{host}={self.conf_file(host)}"]
            self.options += ["--host-facts", self.probe(host)]

    def probe(self, host: str, **changes: Any) -> str:
        """Write the facts of a host, as vfio-lm-host would; return the file."""
        in_use = users(self.case.cloud, self.servers)
        facts = host_facts(self._specs[host], in_use, **changes)
        devices = tuple(
            dataclasses.replace(
                device,
                **self.devices[host, None] | self.devices[host, str(device.address)],
            )
            if device.parent_address
            else device
            for device in facts.devices
        )
        path = self.folder / f"{host}.json"
        path.write_text(dataclasses.replace(facts, devices=devices).to_json())
        return str(path)

    def conf_file(self, host: str | None) -> str:
        """Return the nova.conf of a host (None: of the API), with what was written into it."""
        original = self.case.cloud.nova_conf(host)
        if not self._lines[host]:
            return str(original)
        path = self.folder / f"{host or 'api'}.conf"
        path.write_text(original.read_text() + self._lines[host])
        os.utime(path, (_LONG_AGO, _LONG_AGO))
        return str(path)

    def write_conf(self, host: str | None, section: str, line: str) -> None:
        """Write a line into a nova.conf that the preflight reads."""
        name = line.partition(" = ")[0]
        assert name in nova.conf.CONF[section], f"nova has no option [{section}]{name}"
        before = self.conf_file(host)
        self._lines[host] += f"\n[{section}]\n{line}\n"
        after = self.conf_file(host)
        self.options = [option.replace(before, after) for option in self.options]

    def restart(self, host: str, **changes: Any) -> None:
        """Restart a nova-compute with changes for the length of the test."""
        original = next(each for each in self.case.hosts if each.name == host)
        if self._specs[host] == original and changes:
            self.case.addCleanup(self.case.cloud.restart_host, host, original)
        self._specs[host] = dataclasses.replace(self._specs[host], **changes)
        self.case.cloud.restart_host(host, self._specs[host])

    def follow(self, remedy: str, way: int = 0) -> None:
        """Carry a remedy out: every line of one of its ways."""
        steps = ways(remedy)[way]
        for step in steps:
            self._do(step)
        self.settle()

    def settle(self) -> None:
        """Wait until nova has done what was asked."""
        for server in self.servers:
            wait_for("the server is active", lambda s=server: self._is_settled(s))
        self.case.cloud.update_resources()

    def _is_settled(self, server: str) -> bool:
        found = self.case.show(server)
        return found["status"] == "ACTIVE" and found["OS-EXT-STS:task_state"] is None

    def _do(self, step: Step) -> None:
        line = re.sub(r"\b[A-Z_]{4,}\b", lambda m: self._filled_in(m[0], step), step.line)
        if "check again with" in step.place:
            self._tell(line)
        elif match := _IN_CONF.search(step.place):
            self._configure(*match.groups(), line, replaces="in place of" in step.place)
        elif (match := _ON_HOST.search(step.place)) and match[1] in self._specs:
            self._run_on(match[1], line)
        elif step.place.startswith("on a controller"):
            self._run_on_controller(shlex.split(line))
        else:
            self._run(shlex.split(line))

    def _filled_in(self, word: str, step: Step) -> str:
        if word == "FILE":
            host = re.search(r"(\S+)=FILE", step.line)
            return self.conf_file(host[1] if host else None)
        return self.words.get(word, word)

    def _tell(self, line: str) -> None:
        option, value = line.split()
        if option in ("--host-facts", "--nova-says"):
            value = str(self.folder / value)
        if option == "--nova-conf" and "=" not in value:
            # in place of the one that was given
            given = list(zip(self.options[::2], self.options[1::2], strict=True))
            kept = [pair for pair in given if pair[0] != option or "=" in pair[1]]
            self.options = [word for pair in kept for word in pair]
        self.options += [option, value]

    def _configure(
        self, section: str, service: str, host: str | None, line: str, *, replaces: bool
    ) -> None:
        name, _, value = line.partition(" = ")
        if service == "placement":
            known = cfg.ConfigOpts()
            placement.conf.register_opts(known)
            assert name in known[section], f"placement has no option [{section}]{name}"
        elif name == "alias":
            alias = json.loads(value)
            others = [each for each in self.case.aliases if each["name"] != alias["name"]]
            self.case.cloud.set_aliases([alias, *map(dict, others)])
            os.utime(self.case.cloud.nova_conf(), (_LONG_AGO, _LONG_AGO))
        elif name == "device_spec":
            assert host is not None
            spec = self._specs[host]
            new = json.loads(value)
            others = [
                each
                for each in spec.device_specs
                if not replaces or any(each.get(key) != new.get(key) for key in SELECTORS)
            ]
            specs = (new, *others)
            original = next(each for each in self.case.hosts if each.name == host)
            if spec == original:
                self.case.addCleanup(self.case.cloud.restart_host, host, original)
            self._specs[host] = dataclasses.replace(spec, device_specs=specs)
        else:
            self.write_conf(host if host in self._specs else None, section, line)

    def _run_on(self, host: str, line: str) -> None:
        words = shlex.split(line)
        match words:
            case ["systemctl", "start", "nova-compute"]:
                self.case.cloud.start_host(host)
            case ["systemctl", "restart", "nova-compute"]:
                self.case.cloud.restart_host(host, self._specs[host])
            case ["systemctl", "restart", "neutron-sriov-nic-agent"]:
                self.case.cloud.start_network_agents(self._specs[host])
            case ["vfio-lm-host", "probe", "-f", "json", ">", name] if name == f"{host}.json":
                self.probe(host)
            case ["driverctl", "set-override", address, driver]:
                self.devices[host, None].pop("driver", None)
                self.devices[host, address] = dict(ABLE) | {"driver": driver}
            case ["devlink", "port", "function", "set", _, "migratable", "enable"]:
                self.devices[host, None] = {"is_devlink_migratable": True}
            case _:
                raise AssertionError(f"no one knows how to run this on a host: {line}")

    def _run_on_controller(self, words: list[str]) -> None:
        program, *arguments, arrow, name = words
        assert (program, arrow) == ("vfio-lm-nova", ">"), words
        done = subprocess.run(
            [
                *(sys.executable, "-m", "vfio_lm.inside_nova.main"),
                *("--config-file", str(self.case.cloud.nova_conf()), *arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.case.assertEqual(0, done.returncode, done.stderr)
        (self.folder / name).write_text(done.stdout)

    def _run(self, words: list[str]) -> None:
        if words[0] == "nova-manage":
            conf = str(self.case.cloud.nova_conf())
            program = str(pathlib.Path(sys.executable).with_name(words[0]))
            done = subprocess.run(
                [program, "--config-file", conf, *words[1:]],
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            status, said = done.returncode, done.stdout + done.stderr
        else:
            assert words[0] == "openstack", words
            finished = self.case.openstack(*words[1:])
            status, said = finished.status, finished.errors
        self.case.assertEqual(0, status, (words, said))
        if words[1:4] == ["server", "remove", "port"]:
            # nova answers before it is done, and the server shows nothing of it
            wait_for("the port is free", lambda: not self._holder_of(words[5]))

    def _holder_of(self, port: str) -> str:
        """Return the ID of the server that has a port; empty if none has."""
        answer = self.connection.network.get(f"/ports/{port}")
        return str(answer.json()["port"]["device_id"] or "") if answer.ok else ""
