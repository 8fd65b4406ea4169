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

"""What every service process of a cloud does around its service; no service in particular."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cloud.settings import Settings


def main(run: Callable[[Settings], None]) -> None:
    """Run a service for the cloud whose directory is the only argument."""
    settings = Settings.load(Path(sys.argv[1]))
    # keystone and placement parse the arguments of whatever imports them
    sys.argv = [sys.argv[0]]
    if not settings.is_detached:
        threading.Thread(target=_end_with_launcher, args=(settings,), daemon=True).start()
    try:
        run(settings)
    finally:
        # nova leaves threads behind that would keep the process alive
        _report_and_exit(1)


def run_in_child(work: Callable[[], None]) -> None:
    """Do something in a child process, which has the modules that are loaded already.

    :raises RuntimeError: if it fails; the error itself is in the log.
    """
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            _report_and_exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError("a child process failed, see above")


def _report_and_exit(status: int) -> None:
    """End the process at once; with status 1, and a traceback, if an error brought us here."""
    if sys.exc_info()[0] is not None:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)


def _end_with_launcher(settings: Settings) -> None:
    # The launcher holds the other end of this pipe and never writes into it. All
    # services see its end at once; the last of them leaves nothing behind.
    sys.stdin.buffer.read()
    shutil.rmtree(settings.directory, ignore_errors=True)
    # each service leads a session of its own, so its children end with it
    os.killpg(os.getpid(), signal.SIGKILL)


def announce(settings: Settings, service: str) -> None:
    """Tell the launcher that the service is about to answer."""
    settings.ready_mark(service).touch()


def serve(settings: Settings, listener: str, app: Any, threads: int) -> None:
    """Answer HTTP requests with a WSGI application, for ever."""
    import waitress.server

    listening = socket.socket(fileno=settings.sockets[listener])
    waitress.server.create_server(app, sockets=[listening], threads=threads, ident=None).run()


def shipped_file(distribution: str, name: str) -> Path:
    """Find a data file that a package from PyPI installs outside its modules.

    :raises FileNotFoundError: if the package has no such file.
    """
    for path in importlib.metadata.files(distribution) or ():
        if path.as_posix().endswith(name):
            return Path(str(path.locate()))
    raise FileNotFoundError(f"the package {distribution} has no file {name}")
