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

"""The ways in which OpenStack is deployed, and where each puts libvirt's and nova's files: a table.

What runs counts more than the table, see ``places``: it says what nothing that runs can say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from vfio_lm.compute.layout.folders import AS_PACKAGED, IN_SNAP, LibvirtFolders

_DOCKER = "/var/lib/docker/volumes"
_PODMAN = "/var/lib/containers/storage/volumes"


@dataclasses.dataclass(frozen=True)
class Layout:
    """One way to deploy a compute host. All paths are those of the host."""

    name: str
    """For ``--layout``."""
    title: str
    sources: tuple[str, ...]
    """What the row was read from: project, commit and its month, files."""
    marks: tuple[str, ...]
    """Patterns of paths: a host that has one of them is of this kind. None: any host is."""
    nova_conf: tuple[str, ...]
    """Patterns of nova-compute's files and folders; later ones override earlier ones. None: no
    file of the host is it, so a nova-compute that runs has to show its own."""
    definitions: str = AS_PACKAGED.definitions
    status: str = AS_PACKAGED.status
    logs: str | None = AS_PACKAGED.logs
    """None: they are in the file system of libvirt's container alone, and go with it."""
    hooks: str | None = AS_PACKAGED.hooks
    """None: they come with libvirt's image, or have to be mounted there."""
    container: str | None = None
    """The container that libvirt runs in."""
    as_daemon_has_them: LibvirtFolders = AS_PACKAGED


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "sunbeam",
        "Sunbeam: the snap openstack-hypervisor",
        sources=(
            "snap-openstack-hypervisor da59891 (March 2026): snap/snapcraft.yaml",
            "openstack_hypervisor/services.py, openstack_hypervisor/hooks.py",
        ),
        marks=("/var/snap/openstack-hypervisor/common/etc/nova",),
        nova_conf=(
            "/var/snap/openstack-hypervisor/common/etc/nova/nova.conf",
            "/var/snap/openstack-hypervisor/common/etc/nova/nova.conf.d",
        ),
        definitions=IN_SNAP.definitions,
        status=IN_SNAP.status,
        logs=IN_SNAP.logs,
        hooks=IN_SNAP.hooks,
        as_daemon_has_them=IN_SNAP,
    ),
    Layout(
        "kolla-podman",
        "kolla-ansible with podman",
        sources=(
            "kolla-ansible 1a68181 (August 2026): ansible/roles/nova-cell/defaults/main.yml",
            "ansible/group_vars/all/common.yml (podman_volumes_path, run_default_volumes_podman)",
            "kolla: docker/nova/nova-libvirt (the logs are on no volume)",
        ),
        marks=(f"{_PODMAN}/nova_libvirt_qemu",),
        nova_conf=("/etc/kolla/nova-compute/nova.conf",),
        definitions=f"{_PODMAN}/nova_libvirt_qemu/_data",
        logs=None,
        hooks=None,
        container="nova_libvirt",
    ),
    Layout(
        "kolla-docker",
        "kolla-ansible with docker",
        sources=(
            "kolla-ansible 1a68181 (August 2026): ansible/roles/nova-cell/defaults/main.yml",
            "ansible/group_vars/all/common.yml (docker_volumes_path)",
            "kolla: docker/nova/nova-libvirt (the logs are on no volume)",
        ),
        # The second where docker has its volumes elsewhere.
        marks=(f"{_DOCKER}/nova_libvirt_qemu", "/etc/kolla/nova-libvirt"),
        nova_conf=("/etc/kolla/nova-compute/nova.conf",),
        definitions=f"{_DOCKER}/nova_libvirt_qemu/_data",
        logs=None,
        hooks=None,
        container="nova_libvirt",
    ),
    Layout(
        "kolla-host-libvirt",
        "kolla-ansible, libvirt on the host (enable_nova_libvirt_container is false)",
        sources=("kolla-ansible 1a68181 (August 2026): ansible/roles/nova-cell/defaults/main.yml",),
        marks=("/etc/kolla/nova-compute",),
        nova_conf=("/etc/kolla/nova-compute/nova.conf",),
    ),
    Layout(
        "edpm",
        "RHOSO: edpm-ansible, libvirt's modular daemons on the host",
        sources=(
            "edpm-ansible d31a11a (August 2026): roles/edpm_nova/defaults/main.yml",
            "roles/edpm_nova/files/kolla_config/nova_compute.yaml, roles/edpm_libvirt",
            "edpm-ansible 18.0-fr4 (edpm_nova_config_dest)",
        ),
        marks=("/var/lib/openstack/nova", "/var/lib/openstack/config/nova"),
        nova_conf=(
            "/var/lib/openstack/config/nova/*nova*.conf",
            "/var/lib/openstack/nova/*nova*.conf",
        ),
    ),
    Layout(
        "openstack-helm",
        "OpenStack-Helm",
        sources=(
            "openstack-helm 0ee5ade (August 2026): libvirt/templates/daemonset-libvirt.yaml",
            "nova/templates/daemonset-compute.yaml, nova/templates/bin/_nova-compute.sh.tpl",
        ),
        marks=("/var/lib/kubelet/pods/*/volumes/kubernetes.io~configmap/libvirt-bin",),
        # It is put together of secrets and of what the pod's init containers write.
        nova_conf=(),
        hooks=None,
        container="libvirt",
    ),
    Layout(
        "openstack-ansible",
        "OpenStack-Ansible",
        sources=(
            "openstack-ansible-os_nova e06c7bc (June 2026): vars/main.yml (nova_conf_dir)",
            "tasks/drivers/kvm/nova_compute_kvm.yml",
        ),
        marks=("/openstack/venvs/nova-*",),
        nova_conf=("/etc/nova/nova.conf",),
    ),
    Layout(
        "devstack",
        "DevStack",
        sources=("devstack 493835a (July 2026): lib/nova (NOVA_CPU_CONF, start_nova_compute)",),
        marks=("/etc/nova/nova-cpu.conf",),
        nova_conf=("/etc/nova/nova-cpu.conf",),
    ),
    Layout(
        "distribution",
        "packages of a distribution",
        sources=("oslo.config 10.7: oslo_config/cfg.py find_config_files, find_config_dirs",),
        marks=(),
        nova_conf=(
            "/etc/nova/nova.conf",
            "/etc/nova/nova-compute.conf",
            "/etc/nova/nova.conf.d",
            "/etc/nova/nova-compute.conf.d",
        ),
    ),
)
"""The first that fits is taken."""

BY_NAME: Mapping[str, Layout] = {each.name: each for each in LAYOUTS}

NO_OTHER = LAYOUTS[-1]
"""The one that any host has which shows no mark of another."""
