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

"""The files of options of a nova-compute that runs, as its command line names them; none is read.

In a container they are other files than those of the host by the same names.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator

from vfio_lm.compute.layout.process import Process, processes
from vfio_lm.compute.layout.table import NO_OTHER

_PROGRAMS = ("nova-compute", "vfio-lm-nova-compute")
_OPTIONS = ("--config-file", "--config-dir")


def running_nova_computes(proc: str = "/proc") -> list[Process]:
    """Return each nova-compute that runs, under its own Python or as a program of its own."""
    found = []
    for process in processes(proc):
        try:
            names = [os.path.basename(each) for each in process.arguments[:2]]
        except OSError:  # it has just ended
            continue
        if any(name in _PROGRAMS for name in names):
            found.append(process)
    return found


def conf_paths(process: Process) -> tuple[str, ...]:
    """Return the files and folders that it reads; later ones override earlier ones.

    Source: ``ConfigOpts._parse_config_files`` in oslo.config's ``cfg.py`` (10.7).

    :raises OSError: if the process cannot be looked at, as without root's rights
    """
    named = list(_named(process.arguments))
    options = {option for option, _ in named}
    paths = [path for path in NO_OTHER.nova_conf if _option_of(path) not in options]
    folder = os.readlink(f"{process.proc}/{process.pid}/cwd") if named else "/"
    paths += [os.path.join(folder, path) for _, path in named]
    return present(glob.escape(process.path_of(path)) for path in paths)


def present(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that patterns match, without folders that hold no configuration."""
    found = [path for pattern in patterns for path in sorted(glob.glob(pattern))]
    return tuple(
        path for path in found if os.path.isfile(path) or glob.glob(f"{glob.escape(path)}/*.conf")
    )


def _named(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the options that name files and folders, with the path of each."""
    left = iter(arguments)
    for argument in left:
        option, equals, value = argument.partition("=")
        if option in _OPTIONS:
            yield option, value if equals else next(left, "")


def _option_of(path: str) -> str:
    return "--config-dir" if path.endswith(".d") else "--config-file"
