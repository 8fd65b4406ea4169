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

"""The transcripts of the tutorial: which commands they show, how they are made and compared.

``python -m tests.tutorial`` makes them again on a cloud of its own.
"""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import string
import subprocess
import sys
from collections.abc import Mapping

from tests.cloud import Cloud
from tests.demo import SPEC, create_flavors

FOLDER = pathlib.Path(__file__).parents[1] / "doc" / "source" / "tutorial"

_BOOT = (
    "openstack --os-compute-api-version 2.74 server create --flavor {flavor} --image cirros "
    "--nic none --host compute1 --wait -c name -c status -c OS-EXT-SRV-ATTR:host {name}"
)

_AUDIT = (
    "openstack vfio provider audit --nova-conf compute1=$COMPUTE1_CONF "
    "-c Drift -c Subject -c Detail"
)

#: The commands of each transcript in the order of the tutorial; the next one finds what it leaves.
#: What begins with ``!`` ends with another status than 0, as the tutorial says.
TRANSCRIPTS: Mapping[str, tuple[str, ...]] = {
    "devices": ("openstack vfio device list --sort-column Host",),
    "aliases": ("openstack vfio alias list", "openstack vfio flavor list"),
    "boot": (_BOOT.format(flavor="vf.migratable", name="first"),),
    "check": ("openstack vfio migration check first",),
    "start": (
        "openstack vfio migration start --host compute2 --wait first",
        "openstack vfio server list",
    ),
    "stuck": (
        _BOOT.format(flavor="vf.any", name="second"),
        "! openstack vfio migration check second",
    ),
    "hook": ("! openstack server migrate --live-migration --wait second",),
    "upgrade": ("openstack vfio server upgrade-plan --flavor-map vf.any=vf.migratable",),
    "drain": ("openstack vfio host drain compute2",),
    "audit": (f"! {_AUDIT}",),
    "sync": (
        "openstack vfio provider sync --nova-conf compute1=$COMPUTE1_CONF",
        _AUDIT,
    ),
}

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# What differs from run to run: identifiers, times, durations, the folder of the cloud.
_VARYING = re.compile(
    rf"{_UUID.pattern}|\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?"
    r"|\d+(\.\d+)? (s|seconds)\b|\d+(\.\d+)? [KMG]iB(/s)?"
    r"|\bmigration_id +\| \d+ "
)

# How often the progress is shown depends on how long it takes.
_PROGRESS = re.compile(r"^[a-z]+ to compute\d, .*\n", re.MULTILINE)


def environ_of(cloud: Cloud) -> dict[str, str]:
    """Return the environment that the tutorial has its reader make."""
    tools = pathlib.Path(sys.executable).parent
    return os.environ | {
        **cloud.environ(),
        "COLUMNS": "100",
        "OS_VFIO_NOVA_CONF": str(cloud.nova_conf()),
        "COMPUTE1_CONF": str(cloud.nova_conf("compute1")),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }


def transcript(commands: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Run commands as a shell would; return what its screen shows.

    :raises AssertionError: if a command ends as the tutorial does not say
    """
    shown = []
    for each in commands:
        command = each.removeprefix("! ")
        words = [string.Template(word).safe_substitute(environ) for word in shlex.split(command)]
        finished = subprocess.run(
            words,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if bool(finished.returncode) != (each != command):
            raise AssertionError(f"{command} ended with {finished.returncode}: {finished.stdout}")
        output = finished.stdout.replace(environ["COMPUTE1_CONF"], "$COMPUTE1_CONF")
        output = output.replace(environ["OS_VFIO_NOVA_CONF"], "$OS_VFIO_NOVA_CONF")
        shown.append(f"$ {command}\n{output.rstrip()}\n")
    return "\n".join("\n".join(shown).splitlines()) + "\n"


def comparable(text: str) -> str:
    """Return a transcript without what differs from run to run, and the widths of tables."""
    text = _PROGRESS.sub("", text)
    text = _VARYING.sub("*", text)
    text = re.sub(r"-{2,}", "--", text)
    return re.sub(r"\s+", " ", text)


def main() -> None:
    """Write all transcripts again."""
    FOLDER.mkdir(exist_ok=True)
    with Cloud(SPEC) as cloud:
        create_flavors(cloud.connection())
        environ = environ_of(cloud)
        for name, commands in TRANSCRIPTS.items():
            (FOLDER / f"{name}.txt").write_text(transcript(commands, environ))
            print(f"{name}.txt")


if __name__ == "__main__":
    main()
