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

"""The command ``vfio-placement-sync`` behind its imports: what it is given, what it answers."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence

from oslo_config import cfg
from oslo_log import log as logging

from placement_sync.agent.backend_url import TESTED_BACKENDS
from placement_sync.agent.credentials import load_adapters
from placement_sync.agent.group import Group
from placement_sync.agent.host_names import HostNames
from placement_sync.agent.log_secrets import hide_credentials
from placement_sync.agent.members import Alone, Members
from placement_sync.agent.metrics import Metrics
from placement_sync.agent.metrics_server import MetricsServer
from placement_sync.agent.notify import Systemd
from placement_sync.agent.rounds import Agent, Orders
from placement_sync.agent.service import serve
from placement_sync.agent.settings import PROJECT, Settings, parse_arguments, read_settings
from placement_sync.engine.round import Engine
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.command_line import USAGE_ERROR
from vfio_lm.errors import ConfigError, VfioLmError
from vfio_lm.text import counted

LOG = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Run the agent, or one round of it.

    :returns: the exit status; a mistake of the user's is one line and 1
    """
    try:
        return _run(arguments)
    except VfioLmError as exc:
        print(f"{PROJECT}: {exc}", file=sys.stderr)
        return 1
    except SystemExit as end:
        # Of the parser, which is oslo.config's: --help, --version, or a typing error.
        return USAGE_ERROR if end.code else 0


def _run(arguments: Sequence[str]) -> int:
    conf = parse_arguments(arguments)
    orders = _orders(conf)
    _set_up_logging(conf)
    members = _members(orders.settings)
    try:
        if orders.settings.is_once:
            return make_one_round(orders, members)
        return _serve(arguments, conf, orders, members)
    finally:
        members.leave()


def make_one_round(orders: Orders, members: Members) -> int:
    """Make one round over all hosts, or work out what it would do, and print that.

    :returns: 0, or 1 if something is left undone
    """
    settings = orders.settings
    members.refresh()
    orders.adapters.begin_round(time.monotonic() + settings.round_timeout)
    configs = orders.read_hosts()
    hosts = configs.hosts
    result = orders.engine.run_round(hosts, dry_run=settings.is_dry_run, writing=members.writing)
    for line in result.plan.lines:
        print(line)
    for error in (*configs.errors, *result.errors):
        print(f"{PROJECT}: {error}", file=sys.stderr)
    planned = len(result.plan.steps) + len(result.plan.flavor_steps)
    print(
        f"{counted(len(hosts), 'host')}, {counted(result.providers, 'provider')}: "
        f"{result.right} right, "
        f"{result.wrong} wrong, {result.contested} contested; "
        + (f"{planned} to be written" if settings.is_dry_run else f"{result.writes} written")
    )
    return 0 if result.is_complete and not (configs.errors or result.errors) else 1


def _serve(arguments: Sequence[str], conf: cfg.ConfigOpts, orders: Orders, members: Members) -> int:
    metrics = Metrics()
    systemd = Systemd()
    settings = orders.settings
    # What serves health is itself one of the threads that health is about.
    server: MetricsServer | None = None

    def dead_thread() -> str:
        if not members.is_alive:
            return "that keeps the agent in its group"
        return "" if server is None or server.is_alive else "that serves metrics and health"

    agent = Agent(orders, members, metrics, systemd, dead_thread)
    server = MetricsServer(settings.metrics_host, settings.metrics_port, metrics, agent.health)
    LOG.info("The agent begins; metrics and health at %s", server.url)
    try:
        return serve(agent, systemd, lambda: _reload(arguments, agent))
    finally:
        server.stop()


def _reload(arguments: Sequence[str], agent: Agent) -> None:
    """Read the configuration again; one that is wrong changes nothing."""
    try:
        conf = parse_arguments(arguments)
        orders = _orders(conf)
        _set_up_logging(conf)
    except VfioLmError as exc:
        LOG.error("The new configuration is not used, the old one stays: %s", exc)
        return
    if orders.settings.fixed != agent.settings.fixed:
        LOG.warning(
            "Changes of metrics_host, metrics_port and of the section [coordination] take effect "
            "when the agent is restarted, not now"
        )
        settings = orders.settings.with_fixed_of(agent.settings)
        orders = dataclasses.replace(orders, settings=settings)
    agent.obey(orders)
    LOG.info("The configuration was read again")


def _orders(conf: cfg.ConfigOpts) -> Orders:
    """Work out all that follows from a configuration; no service is asked yet.

    :raises ConfigError: if it is wrong
    """
    settings = read_settings(conf)
    adapters = load_adapters(conf)
    engine = Engine(
        adapters.placement,
        None if settings.aliases is None else adapters.compute,
        manage_flavors=settings.manage_flavors,
        judge_aliases=settings.aliases is not None,
        aliases=settings.aliases,
    )
    names = None
    if not settings.source.is_provider_named:
        placement = PlacementClient(adapters.placement)
        names = HostNames(placement, ComputeClient(adapters.compute))
    return Orders(settings, engine, adapters, names)


def _members(settings: Settings) -> Members:
    if settings.coordination is None:
        return Alone()
    backend = settings.coordination.backend
    if backend not in TESTED_BACKENDS:
        LOG.warning(
            "The agent is not tested with coordination backend %s, but with %s",
            backend,
            ", ".join(TESTED_BACKENDS),
        )
    return Group(settings.coordination, takes_part=not settings.is_once)


def _set_up_logging(conf: cfg.ConfigOpts) -> None:
    try:
        logging.setup(conf, PROJECT)
        hide_credentials()
    except (logging.LogConfigError, OSError) as exc:
        raise ConfigError(PROJECT, "[DEFAULT]", "", f"logging cannot be set up: {exc}") from None
