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

"""The options of nova-scheduler and nova-conductor that decide where a server may go; no files."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from oslo_config import cfg

# nova/conf/scheduler.py and conductor.py (nova 34.0.0), without the defaults: which apply only
# where the files are those of nova-scheduler.
OPTS: Mapping[str, tuple[cfg.Opt, ...]] = {
    "DEFAULT": (cfg.IntOpt("migrate_max_retries", min=-1),),
    "scheduler": (
        cfg.BoolOpt("enable_isolated_aggregate_filtering"),
        cfg.BoolOpt("image_metadata_prefilter"),
        cfg.BoolOpt("limit_tenants_to_placement_aggregate"),
        cfg.IntOpt("max_placement_results", min=1),
        cfg.BoolOpt("placement_aggregate_required_for_tenants"),
        cfg.BoolOpt("query_placement_for_image_type_support"),
        cfg.BoolOpt("query_placement_for_routed_network_aggregates"),
    ),
    "filter_scheduler": (
        cfg.ListOpt("enabled_filters"),
        cfg.StrOpt("image_properties_default_architecture"),
        cfg.IntOpt("max_instances_per_host", min=1),
    ),
}

_DEFAULT_FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
)

# Nova-api and nova-conductor read this one of [filter_scheduler], too.
_NOT_ITS_OWN = "[filter_scheduler]pci_in_placement"


@dataclasses.dataclass(frozen=True)
class SchedulerOptions:
    """What the configuration of nova-scheduler and nova-conductor says; None where it does not."""

    enabled_filters: tuple[str, ...] | None = None
    """``[filter_scheduler]enabled_filters``, the names of classes."""
    default_architecture: str | None = None
    """``[filter_scheduler]image_properties_default_architecture``; nova has no default."""
    max_instances_per_host: int = 50
    """``[filter_scheduler]max_instances_per_host``."""
    isolates_aggregates: bool | None = None
    """``[scheduler]enable_isolated_aggregate_filtering``."""
    limits_projects: bool | None = None
    """``[scheduler]limit_tenants_to_placement_aggregate``."""
    projects_need_aggregate: bool | None = None
    """``[scheduler]placement_aggregate_required_for_tenants``."""
    asks_for_image_metadata: bool | None = None
    """``[scheduler]image_metadata_prefilter``."""
    asks_for_image_type: bool | None = None
    """``[scheduler]query_placement_for_image_type_support``."""
    asks_for_routed_networks: bool | None = None
    """``[scheduler]query_placement_for_routed_network_aggregates``."""
    max_placement_results: int | None = None
    """``[scheduler]max_placement_results``."""
    migrate_max_retries: int | None = None
    """``[DEFAULT]migrate_max_retries`` of nova-conductor; -1 is as many as there are hosts."""

    def may_be_enabled(self, name: str) -> bool:
        """Whether the scheduler may ask a filter: it does, or it is not known which it asks."""
        return self.enabled_filters is None or name in self.enabled_filters


#: Where no files are given.
NO_OPTIONS = SchedulerOptions()


def is_of_scheduler(options: Collection[str]) -> bool:
    """Whether files are those of nova-scheduler: they set an option that no other service reads.

    :param options: all that the files set, for example ``[scheduler]max_placement_results``
    """
    return any(
        name.startswith(("[scheduler]", "[filter_scheduler]")) and name != _NOT_ITS_OWN
        for name in options
    )


def scheduler_options(values: Mapping[str, Any], *, is_complete: bool) -> SchedulerOptions:
    """Return the options.

    :param values: by name; None where the files do not say it
    :param is_complete: whether nova's defaults apply to those, see :func:`is_of_scheduler`
    """

    def known(name: str, default: Any) -> Any:
        value = values[name]
        return default if value is None and is_complete else value

    filters = known("enabled_filters", _DEFAULT_FILTERS)
    return SchedulerOptions(
        enabled_filters=None if filters is None else tuple(filters),
        default_architecture=values["image_properties_default_architecture"],
        max_instances_per_host=values["max_instances_per_host"] or 50,
        isolates_aggregates=known("enable_isolated_aggregate_filtering", False),
        limits_projects=known("limit_tenants_to_placement_aggregate", False),
        projects_need_aggregate=known("placement_aggregate_required_for_tenants", False),
        asks_for_image_metadata=known("image_metadata_prefilter", False),
        asks_for_image_type=known("query_placement_for_image_type_support", False),
        asks_for_routed_networks=known("query_placement_for_routed_network_aggregates", False),
        max_placement_results=known("max_placement_results", 1000),
        # Of nova-conductor, whose nova.conf may be another.
        migrate_max_retries=values["migrate_max_retries"],
    )
