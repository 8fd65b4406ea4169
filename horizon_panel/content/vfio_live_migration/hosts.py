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

"""Each host with a nova-compute or PCI devices, and what of its devices is left."""

from django.utils.translation import gettext_lazy as _
from horizon import tables

from horizon_panel import api
from horizon_panel.content.vfio_live_migration import labels, links
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTableTab
from horizon_panel.content.vfio_live_migration.paging import PagedTable


def known(column):
    """Return a column that is empty for a host of which placement did not tell."""
    return lambda host: None if host.devices is None else column(host)


class HostsTable(PagedTable):
    """A row for each host."""

    name = tables.WrappingColumn(
        "name", verbose_name=_("Host"), link=lambda host: links.host(host.name)
    )
    hypervisor = tables.WrappingColumn(
        lambda host: host.node.hypervisor_hostname if host.node else None,
        verbose_name=_("Hypervisor"),
        link=links.hypervisor,
    )
    service = tables.Column(
        labels.service_state,
        verbose_name=_("Compute Service"),
        display_choices=labels.SERVICE,
        status=True,
        status_choices=(("up", True), ("down", False), ("disabled", None), ("unknown", None)),
    )
    devices = tables.Column(known(lambda host: len(host.devices)), verbose_name=_("Devices"))
    total = tables.Column(known(lambda host: host.total), verbose_name=_("Total"))
    used = tables.Column(known(lambda host: host.used), verbose_name=_("Used"))
    free = tables.Column(known(lambda host: host.free), verbose_name=_("Free"))
    live_migratable = tables.Column(
        lambda host: host.live_migratable.value,
        verbose_name=_("Live Migratable"),
        display_choices=labels.LIVE_MIGRATABLE,
    )
    contested = tables.Column(
        known(lambda host: labels.yes_no(host.is_contested)), verbose_name=_("Contested")
    )

    class Meta:
        name = "hosts"
        verbose_name = _("Hosts")

    def get_object_id(self, host):
        """Return the name of the host."""
        return host.name

    def get_object_display(self, host):
        """Return the name of the host."""
        return host.name


class HostsTab(CloudTableTab):
    """All hosts of the cloud."""

    table_classes = (HostsTable,)
    name = _("Hosts")
    slug = "hosts"
    filter_label = _("Host or hypervisor")

    def get_hosts_data(self):
        """Return all hosts, on pages."""
        hosts = api.hosts(self.request, self.note_gap)
        found = self.filtered(
            hosts, lambda h: (h.name, h.node.hypervisor_hostname if h.node else "")
        )
        return self.show(self._tables["hosts"], found)
