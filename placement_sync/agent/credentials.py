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

"""How the agent authenticates; whom it may then ask is keystone's business.

Credentials come from one place, the first of these that there is: a cloud of clouds.yaml, the
section ``[placement]`` of the agent's own configuration, the section ``[placement]`` of nova.conf.
"""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from keystoneauth1 import adapter, loading
from keystoneauth1 import exceptions as ksa_exceptions
from oslo_config import cfg
from oslo_log import log as logging

from placement_sync.agent import opts
from placement_sync.agent.settings import DEFAULT_NOVA_CONF, PROJECT, nova_conf_paths
from vfio_lm.cloud.http.time_limit import TimeLimitAdapter, limit_time
from vfio_lm.entry_points import entry_points
from vfio_lm.errors import ConfigError
from vfio_lm.pci.conf_text import not_a_configuration, read_conf_text, refuse_unreadable
from vfio_lm.quoting import SEVERAL_LINES, refusal_of_value

LOG = logging.getLogger(__name__)

_REST = 1.0
"""Seconds for which a service that did not answer in time is left alone; a round takes a rest of
its own before the next."""


@dataclasses.dataclass(frozen=True)
class Adapters:
    """The services that the agent talks to."""

    placement: adapter.Adapter
    compute: adapter.Adapter
    limits: tuple[TimeLimitAdapter, ...] = ()

    def begin_round(self, end: float) -> None:
        """Let the services log an ID of its own with all requests of a round that begins.

        :param end: when the requests must be over, by the monotonic clock
        """
        request_id = f"req-{uuid.uuid4()}"
        for each in (self.placement, self.compute):
            each.global_request_id = request_id
        for limit in self.limits:
            limit.end = end
        LOG.debug("A round begins; placement and nova log it as %s", request_id)

    @contextmanager
    def ending_by(self, end: float) -> Iterator[None]:
        """Let the requests of this thread be over by then."""
        with ExitStack() as stack:
            for limit in self.limits:
                stack.enter_context(limit.ending_by(end))
            yield


def load_adapters(conf: cfg.ConfigOpts) -> Adapters:
    """Make clients of the services. Nothing is asked yet.

    :raises ConfigError: if there are no credentials, or they are not complete
    """
    own = conf[opts.GROUP]
    if own.cloud is not None:
        return _from_cloud(own.cloud)
    if _has_credentials(conf):
        where = ", ".join(conf.config_file) or PROJECT
        return _from_conf(conf, where, conf)
    if own.nova_conf_dir is not None:
        raise ConfigError(
            ", ".join(conf.config_file) or PROJECT,
            f"[{opts.PLACEMENT}]auth_type",
            "",
            "is not set, and hosts' files are not searched for credentials: fill in the section "
            f"[{opts.PLACEMENT}] as in nova.conf, or name a cloud of clouds.yaml in "
            f"[{opts.GROUP}]cloud",
        )
    paths = nova_conf_paths(conf)
    if paths == (DEFAULT_NOVA_CONF,) and not os.path.exists(DEFAULT_NOVA_CONF):
        raise ConfigError(
            DEFAULT_NOVA_CONF,
            "",
            "",
            "does not exist: run this on a compute host, or name the host's file with "
            f"--config-file or in [{opts.GROUP}]nova_conf, or the folder with those of many hosts "
            "in nova_conf_dir",
        )
    nova_conf = _parse_nova_conf(paths)
    where = ", ".join(paths)
    if not _has_credentials(nova_conf):
        raise ConfigError(
            where,
            f"[{opts.PLACEMENT}]auth_type",
            "",
            "is not set, so there are no credentials: is this the nova.conf of nova-compute? Or "
            f"name a cloud of clouds.yaml in [{opts.GROUP}]cloud",
        )
    return _from_conf(nova_conf, where, conf)


def _from_cloud(name: str) -> Adapters:
    # Only here: it is the larger part of what the agent would hold in memory.
    import openstack.config
    import openstack.exceptions

    try:
        region = openstack.config.OpenStackConfig(app_name=PROJECT).get_one(cloud=name)
        if region.config.get("api_timeout") is None:
            region.config["api_timeout"] = opts.REQUEST_TIMEOUT
        session = region.get_session()
        placement, compute = (
            adapter.Adapter(
                session,
                service_type=region.get_service_type(service),
                interface=region.get_interface(service),
                region_name=region.get_region_name(service),
                endpoint_override=region.get_endpoint(service),
            )
            for service in ("placement", "compute")
        )
        return Adapters(placement, compute, limit_time(session, rest=_REST))
    except (openstack.exceptions.ConfigException, ksa_exceptions.ClientException) as exc:
        raise ConfigError("clouds.yaml", f"[{opts.GROUP}]cloud", name, str(exc)) from None


def _from_conf(conf: cfg.ConfigOpts, where: str, own: cfg.ConfigOpts) -> Adapters:
    """Make clients from a section ``[placement]``.

    :param conf: where it is
    :param own: the agent's configuration
    """
    _refuse_swallowed_lines(conf)
    _check_auth_type(conf, where)
    with _explained(where, opts.PLACEMENT):
        auth = loading.load_auth_from_conf_options(conf, opts.PLACEMENT)
        session = loading.load_session_from_conf_options(
            conf, opts.PLACEMENT, auth=auth, app_name=PROJECT
        )
        common: dict[str, Any] = {"session": session, "auth": auth}
        placement = loading.load_adapter_from_conf_options(conf, opts.PLACEMENT, **common)
    with _explained(", ".join(own.config_file) or PROJECT, opts.NOVA):
        compute = loading.load_adapter_from_conf_options(own, opts.NOVA, **common)
    if compute.region_name is None:
        compute.region_name = placement.region_name
    return Adapters(placement, compute, limit_time(session, rest=_REST))


def _has_credentials(conf: cfg.ConfigOpts) -> bool:
    loading.register_auth_conf_options(conf, opts.PLACEMENT)
    group = conf[opts.PLACEMENT]
    return bool(group.auth_section or group.auth_type)


def _check_auth_type(conf: cfg.ConfigOpts, where: str) -> None:
    # keystoneauth would not only refuse the name, but let stevedore log it too.
    section = conf[opts.PLACEMENT].auth_section or opts.PLACEMENT
    name = conf[section].auth_type
    known = sorted({entry.name for _, entry in entry_points(loading.PLUGIN_NAMESPACE)})
    if name not in known:
        raise ConfigError(
            where, f"[{section}]auth_type", str(name), f"is not one of {', '.join(known)}"
        )


def _refuse_swallowed_lines(conf: cfg.ConfigOpts) -> None:
    """Refuse a value that has swallowed the lines below it, which keystone and logs would show."""
    sections = {opts.PLACEMENT, conf[opts.PLACEMENT].auth_section}
    for setting in read_conf_text([*conf.config_file, *conf.config_dirs]).settings:
        if setting.section in sections and "\n" in setting.value.strip():
            raise ConfigError(
                f"{setting.file}:{setting.line}",
                f"[{setting.section}]",
                "",
                SEVERAL_LINES,
            )


def _parse_nova_conf(paths: Sequence[str]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.register_client(conf, opts.PLACEMENT)
    arguments = []
    for path in paths:
        refuse_unreadable(path)
        arguments += [f"--config-{'dir' if os.path.isdir(path) else 'file'}", path]
    with _explained(", ".join(paths), opts.PLACEMENT):
        conf(arguments, project="nova", default_config_files=[], default_config_dirs=[])
    return conf


@contextmanager
def _explained(where: str, section: str) -> Iterator[None]:
    """Turn what the libraries raise for options into one sentence that names the place."""
    option = f"[{section}]"
    try:
        yield
    except cfg.ConfigFileParseError as exc:
        raise not_a_configuration(exc.config_file) from None
    except ksa_exceptions.MissingRequiredOptions as exc:
        names = ", ".join(opt.dest for opt in exc.options)
        raise ConfigError(where, option, "", f"lacks what auth_type needs: {names}") from None
    except (cfg.Error, ksa_exceptions.ClientException, TypeError, ValueError) as exc:
        raise ConfigError(where, option, "", refusal_of_value(exc)) from None
