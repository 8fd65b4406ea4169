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

"""Which files the settings of Horizon name for the panel; what is in them is read elsewhere."""

from __future__ import annotations

import datetime
import os

from django.conf import settings

from vfio_lm.errors import ConfigError
from vfio_lm.pci.hosts import conf_files
from vfio_lm.preflight.inputs import DEFAULT_MAX_AGE

NOVA_CONF = "VFIO_LM_NOVA_CONF"
HOST_NOVA_CONF = "VFIO_LM_HOST_NOVA_CONF"
HOST_FACTS = "VFIO_LM_HOST_FACTS"
MAX_AGE = "VFIO_LM_MAX_AGE"


def is_nova_conf_set() -> bool:
    """Whether a nova.conf of nova-api is named at all."""
    return bool(_value(NOVA_CONF))


def nova_conf() -> list[str]:
    """Return what is named for nova-api and nova-scheduler; perhaps nothing.

    :raises ConfigError: if the setting is neither a path nor a list of paths
    """
    return _paths(NOVA_CONF)


def host_nova_conf() -> dict[str, list[str]]:
    """Return the files of the nova-compute of hosts, by host; perhaps none.

    :raises ConfigError: if the setting is no folder that can be read, or a host is described twice
    """
    folder = _value(HOST_NOVA_CONF)
    if not folder:
        return {}
    if not isinstance(folder, (str, os.PathLike)):
        raise _wrong(HOST_NOVA_CONF, "is no folder: name the one that has the files of the hosts")
    return {host: [path] for host, path in conf_files(folder).items()}


def host_facts() -> list[str]:
    """Return the host facts files, and folders of such files, that are named; perhaps none.

    :raises ConfigError: if the setting is neither a path nor a list of paths
    """
    return _paths(HOST_FACTS)


def max_age() -> datetime.timedelta:
    """Return how old host facts may be without a warning.

    :raises ConfigError: if the setting is no number of seconds
    """
    seconds = _value(MAX_AGE)
    if seconds is None:
        return DEFAULT_MAX_AGE
    try:
        return datetime.timedelta(seconds=seconds)
    except (TypeError, OverflowError):
        raise _wrong(MAX_AGE, "is no number of seconds") from None


def _value(setting: str) -> object:
    return getattr(settings, setting, None)


def _paths(setting: str) -> list[str]:
    value = _value(setting)
    paths = [value] if isinstance(value, (str, os.PathLike)) else value or ()
    if isinstance(paths, (list, tuple)) and all(isinstance(p, (str, os.PathLike)) for p in paths):
        return [os.fspath(path) for path in paths if path]
    raise _wrong(setting, "names no files: give a path, or a list of paths")


def _wrong(setting: str, reason: str) -> ConfigError:
    return ConfigError("settings of Horizon", setting, repr(_value(setting)), reason)
