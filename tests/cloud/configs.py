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

"""The configuration files of a cloud's services and users; not when they change.

Every function takes the settings and gives text or writes files; the only state is on disk.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.cloud import ini, neutron_configs
from tests.cloud.settings import ADDRESS, CONTROLLER, PASSWORD, REGION, Settings
from tests.cloud.spec import CloudSpec, HostSpec

KEY_DIRECTORIES = ("fernet-keys", "credential-keys")

#: users of clouds.yaml: cloud name, user, project
USERS = (
    ("embedded", "admin", "admin"),
    ("embedded-demo", "demo", "demo"),
    ("embedded-reader", "reader", "demo"),
)

#: The scheduler's usual filters plus the two that SR-IOV guests need; no
#: availability zones, so that one query fewer is made for each request.
FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
    "NUMATopologyFilter",
    "PciPassthroughFilter",
)


def write_all(settings: Settings) -> None:
    """Make the directories of a cloud and every file its services and users read."""
    for name in ("db", "log", "run", "etc", "images", "state/lock"):
        settings.path(name).mkdir(parents=True, exist_ok=True)
    for name in KEY_DIRECTORIES:
        settings.path("etc", name).mkdir(mode=0o700, exist_ok=True)
    settings.path("etc", "keystone.conf").write_text(keystone_conf(settings))
    settings.path("etc", "placement.conf").write_text(placement_conf(settings))
    settings.path("etc", "glance-api.conf").write_text(glance_conf(settings))
    if settings.spec.neutron:
        settings.path("state", "neutron").mkdir()
        text = neutron_configs.neutron_conf(
            settings, _database(settings, "neutron"), _credentials(settings, "neutron")
        )
        settings.path("etc", "neutron.conf").write_text(text)
    settings.clouds_yaml.write_text(clouds_yaml(settings))
    write_nova_confs(settings, settings.spec)


def write_nova_confs(settings: Settings, spec: CloudSpec) -> None:
    """Write the nova.conf of the controller and of every host of a cloud."""
    write_nova_conf(settings, spec, None)
    for host in spec.hosts:
        write_nova_conf(settings, spec, host)


def write_nova_conf(settings: Settings, spec: CloudSpec, host: HostSpec | None) -> Path:
    """Write the nova.conf of a host (None: of the API and the scheduler), in one step."""
    path = settings.nova_conf(host.name if host else None)
    path.parent.mkdir(parents=True, exist_ok=True)
    if host is not None:
        settings.path("state", "instances", host.name).mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(nova_conf(settings, spec, host))
    unfinished.replace(path)
    return path


def remove_host_files(settings: Settings, name: str) -> None:
    """Remove what :func:`write_nova_conf` made for a host."""
    shutil.rmtree(settings.nova_conf(name).parent)
    shutil.rmtree(settings.path("state", "instances", name))


def keystone_conf(settings: Settings) -> str:
    """Give the text of keystone.conf."""
    fernet, credential = (str(settings.path("etc", name)) for name in KEY_DIRECTORIES)
    return ini.text(
        {
            "DEFAULT": {"log_file": str(settings.log("keystone"))},
            "database": _database(settings, "keystone"),
            "token": {"provider": "fernet", "expiration": 86400},
            "fernet_tokens": {"key_repository": fernet},
            "fernet_receipts": {"key_repository": fernet},
            "credential": {"key_repository": credential},
            # bcrypt's minimum; keystone's default of 12 rounds takes half a second
            # for each password
            "identity": {"password_hash_rounds": 4},
            "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        }
    )


def placement_conf(settings: Settings) -> str:
    """Give the text of placement.conf."""
    return ini.text(
        {
            "DEFAULT": {"log_file": str(settings.log("placement"))},
            "api": {"auth_strategy": "keystone"},
            "placement_database": {
                **_database(settings, "placement"),
                "sync_on_startup": True,
            },
            "placement": {"allocation_candidates_generation_strategy": "breadth-first"},
            "keystone_authtoken": _credentials(settings, "placement"),
        }
    )


def glance_conf(settings: Settings) -> str:
    """Give the text of glance-api.conf."""
    return ini.text(
        {
            "DEFAULT": {
                "log_file": str(settings.log("glance")),
                "enabled_backends": "store:file",
                "node_staging_uri": f"file://{settings.path('images', 'staging')}",
                "enabled_import_methods": "[]",
                "worker_self_reference_url": settings.url("glance"),
            },
            "database": _database(settings, "glance"),
            "glance_store": {"default_backend": "store"},
            "store": {"filesystem_store_datadir": str(settings.path("images", "store"))},
            "os_glance_staging_store": {
                "filesystem_store_datadir": str(settings.path("images", "staging"))
            },
            "os_glance_tasks_store": {
                "filesystem_store_datadir": str(settings.path("images", "tasks"))
            },
            "paste_deploy": {"flavor": "keystone"},
            "keystone_authtoken": _credentials(settings, "glance"),
        }
    )


def nova_conf(settings: Settings, spec: CloudSpec, host: HostSpec | None) -> str:
    """Give the text of the nova.conf of a host, or of the API and the scheduler (None)."""
    return ini.text(
        ini.merged(
            _nova_base(settings, spec, host.name if host else CONTROLLER),
            _nova_clients(settings),
            _nova_pci(spec, host),
            spec.nova_options,
        )
    )


def _nova_base(settings: Settings, spec: CloudSpec, name: str) -> ini.Sections:
    return {
        "DEFAULT": {
            "host": name,
            "my_ip": ADDRESS,
            "log_file": str(settings.log("nova")),
            "state_path": str(settings.path("state")),
            "instances_path": str(settings.path("state", "instances", name)),
            "transport_url": "fake://",
            "compute_driver": "libvirt.LibvirtDriver",
            "report_interval": 10,
            "service_down_time": 60,
            "periodic_fuzzy_delay": 5,
            # of each RPC server, of which every compute has two
            "executor_thread_pool_size": 16,
            # All computes share one process, hence one pool of migrations. Several at
            # a time race in nova's healing of PCI allocations.
            "max_concurrent_live_migrations": spec.parallel_migrations,
            "max_concurrent_builds": 16,
            "max_concurrent_snapshots": 16,
            "running_deleted_instance_action": "noop",
            "instance_delete_interval": 0,
        },
        "api": {"auth_strategy": "keystone"},
        # like the pool of migrations, one for all computes
        "compute": {"update_resources_max_workers": 8},
        "database": _database(settings, "nova_cell1"),
        "api_database": _database(settings, "nova_api"),
        "filter_scheduler": {
            "pci_in_placement": spec.pci_in_placement,
            "enabled_filters": ",".join(FILTERS),
            # a host that failed to build for one test is as good as any for the next
            "build_failure_weight_multiplier": 0.0,
        },
        "image_cache": {"manager_interval": -1},
        "key_manager": {"backend": "nova.keymgr.conf_key_mgr.ConfKeyManager"},
        "libvirt": {
            "virt_type": "kvm",
            # seconds: the hypervisors take a device away at once, and say nothing of it
            "device_detach_timeout": 1,
            # QEMU refuses VFIO devices in a post-copy migration
            "live_migration_permit_post_copy": False,
        },
        "oslo_concurrency": {"lock_path": str(settings.path("state", "lock"))},
        "oslo_messaging_notifications": {"driver": "noop"},
        # as many servers as a test wants, whatever the project
        "quota": {"instances": -1, "cores": -1, "ram": -1},
        "spice": {"enabled": False},
        "vnc": {"enabled": False},
    }


def _nova_clients(settings: Settings) -> ini.Sections:
    credentials = _credentials(settings, "nova")
    return {
        "cinder": {"catalog_info": "volumev3:cinderv3:internalURL"},
        "glance": {"region_name": REGION, "valid_interfaces": "internal"},
        "keystone_authtoken": credentials,
        # without a neutron for nova-manage only: the services have nova's fixture
        "neutron": credentials,
        "placement": credentials,
        "service_user": {"send_service_user_token": False},
    }


def _nova_pci(spec: CloudSpec, host: HostSpec | None) -> ini.Sections:
    pci: dict[str, ini.Value] = {}
    if host is not None:
        pci["report_in_placement"] = spec.reports_in_placement(host)
        pci["device_spec"] = [json.dumps(each) for each in host.device_specs]
    pci["alias"] = [json.dumps(each) for each in spec.aliases]
    return {"pci": pci}


def _database(settings: Settings, name: str) -> dict[str, ini.Value]:
    # a cloud does not outlive a crash of its machine: no need to wait for the disk
    return {"connection": settings.database_url(name), "sqlite_synchronous": False}


def _credentials(settings: Settings, user: str) -> dict[str, ini.Value]:
    return {
        "auth_type": "password",
        "auth_url": settings.url("keystone"),
        "www_authenticate_uri": settings.url("keystone"),
        "username": user,
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": REGION,
        "service_token_roles_required": True,
    }


def clouds_yaml(settings: Settings) -> str:
    """Give the text of clouds.yaml (JSON, which is YAML)."""
    return json.dumps({"clouds": _clouds(settings)}, indent=1)


def _clouds(settings: Settings) -> Mapping[str, object]:
    return {
        cloud: {
            "region_name": REGION,
            "identity_api_version": "3",
            "compute_api_version": "2.95",
            "placement_api_version": "1.39",
            "auth": {
                "auth_url": settings.url("keystone"),
                "username": user,
                "password": PASSWORD,
                "project_name": project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        }
        for cloud, user, project in USERS
    }
