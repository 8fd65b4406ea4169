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

"""What nova's own scheduler makes of a flavor and an image, its filters and its query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nova import context, objects
from nova.objects import image_meta
from nova.scheduler import filters, host_manager, request_filter, utils

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found

# Those that look at flavor and image alone.
_REQUEST_FILTERS = (
    "transform_image_metadata",
    "accelerators_filter",
    "packed_virtqueue_filter",
    "ephemeral_encryption_filter",
    "virtio_sound_filter",
    "tpm_secret_security_filter",
)


def request_spec(
    extra_specs: Mapping[str, str],
    properties: Mapping[str, str],
    hints: Mapping[str, Sequence[str]] | None = None,
) -> objects.RequestSpec:
    """Return what nova stores with a server that is made of this flavor and image."""
    return objects.RequestSpec(
        flavor=objects.Flavor(
            name="f",
            vcpus=4,
            memory_mb=512,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            extra_specs=dict(extra_specs),
        ),
        image=image_meta.ImageMeta.from_dict({"name": "i", "properties": dict(properties)}),
        requested_resources=[],
        request_level_params=objects.RequestLevelParams(),
        is_bfv=False,
        limits=objects.SchedulerLimits(),
        numa_topology=None,
        pci_requests=None,
        project_id="project1",
        scheduler_hints={name: list(values) for name, values in (hints or {}).items()},
    )


def query(extra_specs: Mapping[str, str], properties: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of nova's query to placement, without the limit."""
    spec = request_spec(extra_specs, properties)
    for name in _REQUEST_FILTERS:
        if hasattr(request_filter, name):
            getattr(request_filter, name)(context.get_admin_context(), spec)
    request = utils.ResourceRequest.from_request_spec(spec)
    params = request.to_querystring()
    return {key: value for key, _, value in (each.partition("=") for each in params.split("&"))}


def host_state(**attributes: Any) -> host_manager.HostState:
    """Return a host that reports nothing else."""
    state = host_manager.HostState("compute2", "compute2", None)
    state.stats = {}
    for name, value in attributes.items():
        setattr(state, name, value)
    return state


def refused_for_capabilities(extra_specs: Mapping[str, str]) -> bool:
    """Whether ComputeCapabilitiesFilter refuses a host that reports nothing."""
    spec = request_spec(extra_specs, {})
    return not admits("ComputeCapabilitiesFilter", host_state(), spec)


def admits(name: str, state: host_manager.HostState, spec: objects.RequestSpec) -> bool:
    """Whether a filter of nova's admits a host."""
    (found,) = (each for each in filters.all_filters() if each.__name__ == name)
    return bool(found().host_passes(state, spec))


def aggregates(*metadata: Mapping[str, str]) -> list[objects.Aggregate]:
    """Return the aggregates of a host as its state has them."""
    return [objects.Aggregate(metadata=dict(each)) for each in metadata]
