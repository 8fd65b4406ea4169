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

"""The environments in which releases of nova run beside the one of the tests; made on first use.

Not what differs between those releases once they run. ``tests/cloud/releases`` has a file for
each, named as it is, with the versions that it is held to.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from tests.cloud.errors import CloudError
from vfio_lm.pci.release import NovaRelease

#: The release that constraints.txt holds the tests to.
CURRENT = NovaRelease.R2026_2

#: What the nova process imports, beside what nova itself requires: the server of its API, and
#: what nova.tests.fixtures needs.
PACKAGES = ("nova", "waitress", "ddt", "oslotest", "wsgi-intercept")

_ROOT = Path(__file__).parents[2]
_OUTPUT_LINES = 20


def python(release: NovaRelease) -> Path:
    """Give the interpreter that has a release of nova; may take minutes the first time.

    An environment is made again when its file of versions changes, or when the making was
    interrupted.

    :raises CloudError: with the end of pip's output, if it cannot be made.
    """
    if release is CURRENT:
        return Path(sys.executable)
    directory = _ROOT / ".tox" / f"nova-{release.value}"
    versions = Path(__file__).parent / "releases" / f"{release.value}.txt"
    with _locked(directory.with_suffix(f"{directory.suffix}.lock")):
        finished = directory / "versions.txt"
        if not finished.exists() or finished.read_text() != versions.read_text():
            _make(directory, versions)
            finished.write_text(versions.read_text())
    return directory / "bin" / "python"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(directory: Path, versions: Path) -> None:
    print(f"Installing nova into {directory}", file=sys.stderr)
    try:
        venv.create(directory, clear=True, with_pip=True)
        subprocess.run(
            [directory / "bin" / "python", "-m", "pip", "install", "-c", versions, *PACKAGES],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
    except (subprocess.CalledProcessError, OSError) as error:
        output = getattr(error, "output", None) or str(error)
        if isinstance(output, bytes):
            output = output.decode(errors="replace")
        end = "\n".join(output.splitlines()[-_OUTPUT_LINES:])
        raise CloudError(f"the environment {directory} cannot be made:\n{end}") from error
