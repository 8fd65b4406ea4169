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

"""What Horizon reads as its local_settings.py: one process on loopback, on an embedded cloud."""

import json
import os
from pathlib import Path

from openstack_dashboard.defaults import (  # noqa: F401
    AVAILABLE_THEMES,
    DEFAULT_POLICY_FILES,
    POLICY_FILES,
)

import horizon_panel

_DIRECTORY = Path(os.environ["VFIO_LM_DASHBOARD_DIRECTORY"])
_SITE = json.loads((_DIRECTORY / "site.json").read_text())

# What an operator links into local_settings.d; it adds to the policy files of Horizon.
for _snippet in sorted((Path(horizon_panel.__file__).parent / "local_settings.d").glob("*.py")):
    exec(compile(_snippet.read_text(), _snippet, "exec"))
VFIO_LM_NOVA_CONF = _SITE["nova_conf"]
VFIO_LM_HOST_NOVA_CONF = _SITE["host_nova_conf"]
VFIO_LM_HOST_FACTS = _SITE["host_facts"]
VFIO_LM_TIMEOUT = _SITE["timeout"]

_THEMES = Path(horizon_panel.__file__).parents[1] / "tests" / "dashboard" / "themes"
AVAILABLE_THEMES = [*AVAILABLE_THEMES, ("dark", "Dark", str(_THEMES / "dark"))]

ALLOWED_HOSTS = ["127.0.0.1"]
WEBROOT = "/"
SECRET_KEY = "of a dashboard that only loopback reaches"
OPENSTACK_KEYSTONE_URL = _SITE["keystone"]
OPENSTACK_ENDPOINT_TYPE = "publicURL"
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # By default 300, and more throw out any, also sessions.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
TIME_ZONE = "UTC"
# All files of the pages are made on the first start of a page, as no other server shares them.
COMPRESS_OFFLINE = False
COMPRESS_CACHE_KEY_FUNCTION = "tests.dashboard.styles.cache_key"
STATIC_ROOT = str(_DIRECTORY / "static")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
