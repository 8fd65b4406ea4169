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

"""The process of Horizon: Horizon's own settings, with ours in the place of local_settings.py."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path


def main() -> None:
    """Serve Horizon from the directory that is the only argument, until the launcher ends."""
    directory = Path(sys.argv[1])
    threading.Thread(target=_end_with_launcher, daemon=True).start()
    _find_our_settings(directory)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("collectstatic", interactive=False, link=True, verbosity=0)
    _serve(directory)


def _find_our_settings(directory: Path) -> None:
    """Let Horizon find our files where it looks for those of an operator.

    openstack_dashboard/settings.py (Horizon 27.0.0) imports the top-level package ``local``, and
    the modules on the path of ``openstack_dashboard.local.enabled``.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
    os.environ["VFIO_LM_DASHBOARD_DIRECTORY"] = str(directory)
    local = directory / "local"
    local.mkdir()
    (local / "__init__.py").touch()
    (local / "local_settings.py").symlink_to(Path(__file__).with_name("local_settings.py"))
    sys.path.insert(0, str(directory))
    from openstack_dashboard.local import enabled

    import horizon_panel.enabled

    enabled.__path__ += horizon_panel.enabled.__path__


def _serve(directory: Path) -> None:
    import waitress.server
    from django.conf import settings
    from openstack_dashboard.wsgi import application
    from whitenoise import WhiteNoise

    # Styles are made while pages are: files have to be looked for again.
    app = WhiteNoise(
        application, settings.STATIC_ROOT, settings.STATIC_URL.strip("/"), autorefresh=True
    )
    fileno = json.loads((directory / "site.json").read_text())["socket"]
    listening = socket.socket(fileno=fileno)
    (directory / "ready").touch()
    waitress.server.create_server(app, sockets=[listening], threads=8, ident=None).run()


def _end_with_launcher() -> None:
    # The launcher holds the other end of this pipe and never writes into it.
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
