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

"""The configuration files of a cloud's neutron; those of the other services are elsewhere."""

from __future__ import annotations

from tests.cloud import ini
from tests.cloud.settings import CONTROLLER, Settings
from tests.cloud.spec import PHYSICAL_NETWORKS

#: VLAN IDs that networks of projects may have on each physical network
VLANS = "100:299"

#: seconds; an agent is dead that has been silent for longer than the second
REPORT_INTERVAL = 15
AGENT_DOWN_TIME = 75


def neutron_conf(
    settings: Settings, database: dict[str, ini.Value], credentials: dict[str, ini.Value]
) -> str:
    """Give the text of neutron.conf, which has what ml2_conf.ini has elsewhere.

    :param database: the options that say where the database is.
    :param credentials: the options of a client that is neutron's user.
    """
    return ini.text(
        {
            "DEFAULT": {
                "host": CONTROLLER,
                "log_file": str(settings.log("neutron")),
                "state_path": str(settings.path("state", "neutron")),
                "transport_url": "fake://",
                "core_plugin": "ml2",
                "service_plugins": "trunk,qos,placement",
                "agent_down_time": AGENT_DOWN_TIME,
                "dhcp_agent_notification": False,
                "notify_nova_on_port_status_changes": True,
                "notify_nova_on_port_data_changes": True,
                # seconds for which events for nova are collected
                "send_events_interval": 1,
            },
            "agent": {"report_interval": REPORT_INTERVAL},
            "database": database,
            "keystone_authtoken": credentials,
            "nova": credentials,
            "placement": credentials,
            "oslo_concurrency": {"lock_path": str(settings.path("state", "lock"))},
            "oslo_messaging_notifications": {"driver": "noop"},
            "quotas": {"quota_network": -1, "quota_subnet": -1, "quota_port": -1},
            **_ml2(),
        }
    )


def _ml2() -> ini.Sections:
    return {
        "ml2": {
            "mechanism_drivers": "sriovnicswitch,openvswitch",
            "type_drivers": "flat,vlan",
            "tenant_network_types": "vlan",
            "extension_drivers": "port_security,qos",
        },
        "ml2_type_vlan": {
            "network_vlan_ranges": ",".join(f"{name}:{VLANS}" for name in PHYSICAL_NETWORKS)
        },
        # Ports that are to be plugged at once, without rules of a firewall in between.
        "securitygroup": {"enable_security_group": False},
    }
