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

"""The agent's options as oslo.config knows them; what they mean together is not judged here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = "vfio_placement_sync"
COORDINATION = "coordination"
PLACEMENT = "placement"
NOVA = "nova"

#: Seconds that one request may take where nothing else is said; a service that hangs may not
#: hold the agent for ever.
REQUEST_TIMEOUT = 60

CLI_OPTS: tuple[cfg.Opt, ...] = (
    cfg.BoolOpt(
        "once",
        default=False,
        help="Make one round over all hosts and end; exit status 1 if something was left undone.",
    ),
    cfg.BoolOpt(
        "dry-run",
        default=False,
        help="Print what one round would write, write nothing and end.",
    ),
)

AGENT_OPTS: tuple[cfg.Opt, ...] = (
    cfg.IntOpt(
        "interval",
        default=60,
        min=1,
        mutable=True,
        help="Seconds from the end of one round to the beginning of the next. A round that "
        "failed is repeated sooner: after one second, then after twice as long each time, "
        "and never later than this.",
    ),
    cfg.FloatOpt(
        "jitter",
        default=0.1,
        min=0.0,
        max=0.5,
        mutable=True,
        help="The share of the interval by which each wait is made longer or shorter at random, "
        "so that many agents do not ask placement all at once.",
    ),
    cfg.MultiStrOpt(
        "nova_conf",
        sample_default=["/etc/nova/nova.conf"],
        mutable=True,
        help="nova.conf of the compute host that the agent runs on, or a folder of such files; "
        "to be repeated for each file that nova-compute reads, a later one overrides an earlier "
        "one. It is read again in every round. If neither this nor nova_conf_dir is set: "
        "the files given with --config-file that are a nova.conf, or else /etc/nova/nova.conf.",
    ),
    cfg.StrOpt(
        "hypervisor_hostname",
        mutable=True,
        help="Name of the host's root resource provider, which is its hypervisor hostname. By "
        "default it is the name that libvirt gives this machine; if placement has no provider of "
        "that name, nova is asked for the one of [DEFAULT]host, where the user of [placement] may "
        "list hypervisors.",
    ),
    cfg.StrOpt(
        "host_facts",
        mutable=True,
        help="Host facts file of the host, as 'vfio-lm-host probe' writes it. It is read again in "
        "every round. Without it, devices are known from nova.conf only.",
    ),
    cfg.StrOpt(
        "nova_conf_dir",
        mutable=True,
        help="Central mode: a folder with the nova.conf of many hosts, one file HOST.conf for "
        "each, named after the host as nova knows it or after its hypervisor hostname. It is read "
        "again in every round. Cannot be set together with nova_conf, hypervisor_hostname or "
        "host_facts.",
    ),
    cfg.StrOpt(
        "host_facts_dir",
        mutable=True,
        help="Central mode: a folder with the host facts of many hosts, one file HOST.json for "
        "each, named as in nova_conf_dir.",
    ),
    cfg.MultiStrOpt(
        "api_nova_conf",
        sample_default=["/etc/nova/nova.conf"],
        mutable=True,
        help="Central mode: nova.conf of nova-api, or a folder of such files. With it the agent "
        "also compares the aliases that are defined there, and the flavors that use them, with "
        "the hosts, and logs what disagrees. The user of [placement] needs the admin role for it.",
    ),
    cfg.StrOpt(
        "cloud",
        mutable=True,
        help="Name of a cloud in clouds.yaml whose credentials are used. Without it they come "
        "from [placement] of this configuration, or else from [placement] of nova_conf.",
    ),
    cfg.BoolOpt(
        "manage_flavors",
        default=False,
        mutable=True,
        help="Whether the agent also writes the required and forbidden traits of aliases on the "
        "flavors that use them. Needs api_nova_conf.",
    ),
    cfg.HostAddressOpt(
        "metrics_host",
        default="127.0.0.1",
        help="Address on which /metrics (Prometheus) and /health (JSON) are served. Both are "
        "served without a password: keep them on loopback or a management network.",
    ),
    cfg.PortOpt(
        "metrics_port",
        default=9857,
        help="TCP port of metrics and health; 0 takes a free one and logs its number.",
    ),
    cfg.IntOpt(
        "unhealthy_after",
        default=3,
        min=1,
        mutable=True,
        help="/health answers 503 when no round has succeeded for this many intervals, and before "
        "the first one. After as many failed rounds in a row, an agent that shares hosts leaves "
        "them to the other agents until it can do its work again.",
    ),
    cfg.IntOpt(
        "round_timeout",
        default=240,
        min=1,
        mutable=True,
        help="Seconds that one round may take. What is not done by then is left to the next "
        "round. Must be below WatchdogSec of the systemd unit.",
    ),
)

COORDINATION_OPTS: tuple[cfg.Opt, ...] = (
    cfg.StrOpt(
        "backend_url",
        secret=True,
        help="Where several agents of central mode find one another, as a URL of tooz: "
        "etcd3+http://HOST:PORT or redis://:PASSWORD@HOST:PORT. Each host then belongs to exactly "
        "one agent. Without it the agent takes itself to be alone. '?timeout=SECONDS' says how "
        "long an agent may be silent before the others take its hosts; by default half of the "
        "interval, and never more than 30 seconds.",
    ),
    cfg.StrOpt(
        "group",
        default="vfio-placement-sync",
        help="Name of the group that the agents of one cloud form; another one for each cloud "
        "that uses the same backend.",
    ),
)

#: The options that no other program knows, by section.
OWN_OPTS: Mapping[str, tuple[cfg.Opt, ...]] = {
    GROUP: AGENT_OPTS,
    COORDINATION: COORDINATION_OPTS,
}


def register(conf: cfg.ConfigOpts) -> None:
    """Register every option of the agent; those of oslo.log are not among them."""
    conf.register_cli_opts(CLI_OPTS)
    for group, known in OWN_OPTS.items():
        conf.register_opts(known, group=group)
    register_client(conf, PLACEMENT)
    loading.register_adapter_conf_options(conf, NOVA, include_deprecated=False)
    conf.set_default("service_type", "compute", group=NOVA)


def register_client(conf: cfg.ConfigOpts, group: str) -> None:
    """Register the options of placement's client; those of the way to authenticate come later.

    nova.conf has the same options in its section of the same name
    (``nova/conf/placement.py``, nova 34.0.0).
    """
    loading.register_session_conf_options(conf, group)
    loading.register_adapter_conf_options(conf, group, include_deprecated=False)
    conf.set_default("timeout", REQUEST_TIMEOUT, group=group)
    conf.set_default("service_type", "placement", group=group)
    conf.set_default("valid_interfaces", ["internal", "public"], group=group)


def list_opts() -> list[tuple[str, Iterable[cfg.Opt]]]:
    """Return all options of configuration files by section, for oslo-config-generator."""
    return [
        *OWN_OPTS.items(),
        (
            PLACEMENT,
            itertools.chain(
                loading.get_auth_common_conf_options(),
                loading.get_auth_plugin_conf_options("password"),
                loading.get_session_conf_options(),
                loading.get_adapter_conf_options(include_deprecated=False),
            ),
        ),
        (NOVA, loading.get_adapter_conf_options(include_deprecated=False)),
    ]
