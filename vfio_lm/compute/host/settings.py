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

"""What a compute host's own nova.conf says of its live migrations, or nova's defaults."""

from __future__ import annotations

import socket

from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.nova_conf import NovaConf

_PERMITS_POST_COPY = False
_DOWNTIME_MS = 500
_PARALLEL_CONNECTIONS = 1


def permits_post_copy(conf: NovaConf | None) -> bool:
    """Return ``[libvirt]live_migration_permit_post_copy`` of a compute host's own nova.conf.

    :raises NotKnownError: if there is none
    """
    value = _read(conf).permit_post_copy
    return _PERMITS_POST_COPY if value is None else value


def downtime_ms(conf: NovaConf | None) -> int:
    """Return ``[libvirt]live_migration_downtime`` of a compute host's own nova.conf.

    :raises NotKnownError: if there is none
    """
    value = _read(conf).downtime_ms
    return _DOWNTIME_MS if value is None else value


def timeout_action(conf: NovaConf | None) -> str:
    """Return what a compute host does to a live migration that takes long.

    :raises NotKnownError: if it has no nova.conf of its own
    """
    return _read(conf).action_at_timeout


def parallel_connections(conf: NovaConf | None) -> int:
    """Return ``[libvirt]live_migration_parallel_connections`` of a compute host's own nova.conf.

    :raises NotKnownError: if there is none
    """
    return _read(conf).parallel_connections or _PARALLEL_CONNECTIONS


def host_name(sysfs: Sysfs, conf: NovaConf | None) -> str:
    """Return the name by which nova knows the host, unless another one is configured.

    Source: ``nova/conf/netconf.py`` (nova 34.0.0): ``[DEFAULT]host``, else what the host calls
    itself.

    :raises NotKnownError: if neither is known
    """
    if conf is not None and conf.host is not None:
        return conf.host
    name = socket.gethostname() if sysfs.is_live else _bundle_host_name(sysfs)
    if not name:
        raise NotKnownError("the host has no name: give it with --host")
    return name


def _bundle_host_name(sysfs: Sysfs) -> str:
    try:
        return sysfs.text("proc/sys/kernel/hostname")
    except NotKnownError as exc:
        raise NotKnownError(f"{exc}: give the host's name with --host") from None


def _read(conf: NovaConf | None) -> NovaConf:
    if conf is None:
        raise NotKnownError("no nova.conf can be read: name the compute host's with --nova-conf")
    return conf
