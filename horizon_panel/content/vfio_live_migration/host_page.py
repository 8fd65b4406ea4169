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

"""The page of one host: its devices, and the servers on it that hold some."""

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tabs

from horizon_panel import api
from horizon_panel.content.vfio_live_migration import links
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTableTab
from horizon_panel.content.vfio_live_migration.devices import DevicesTable
from horizon_panel.content.vfio_live_migration.overview import Card
from horizon_panel.content.vfio_live_migration.servers import CheckPage, ServersTable, look_at


class HostDevicesTable(DevicesTable):
    """The devices of one host."""

    class Meta:
        name = "devices"
        verbose_name = _("Devices")
        hidden_title = False
        columns = (
            "address",
            "resource_class",
            "total",
            "used",
            "free",
            "live_migratable",
            "contested",
        )


class HostServersTable(ServersTable):
    """The servers of one host."""

    class Meta:
        name = "servers"
        verbose_name = _("Servers")
        table_actions = (CheckPage,)
        hidden_title = False
        columns = (
            "name",
            "status",
            "devices",
            "flavor",
            "live_migratable",
            "preflight",
        )


class HostTab(CloudTableTab):
    """All of a host on one page."""

    table_classes = (HostDevicesTable, HostServersTable)
    name = _("Host")
    slug = "host"
    template_name = "admin/vfio_live_migration/_host.html"

    def load_table_data(self):
        """Ask for the host once."""
        if not self._table_data_loaded:
            name = self.tab_group.kwargs["host"]
            hosts = api.hosts(self.request, self.note_gap)
            self._host = next((host for host in hosts if host.name == name), None)
            if self._host is None and not self._gaps:
                raise Http404
        super().load_table_data()

    def get_devices_data(self):
        """Return the devices of the host, on pages."""
        return self.show(self._tables["devices"], (self._host and self._host.devices) or ())

    def get_servers_data(self):
        """Return the servers on the host that hold devices, on pages."""
        aliases = self.aliases
        servers = self.ask(api.servers, aliases, self.tab_group.kwargs["host"]) or ()
        return look_at(self, servers)

    def get_context_data(self, request, **kwargs):
        """Add the host."""
        context = super().get_context_data(request, **kwargs)
        return context | {
            "card": Card(self._host) if self._host else None,
            "hypervisor_url": links.hypervisor(self._host) if self._host else None,
        }


class HostTabs(tabs.TabGroup):
    """Horizon has tables on tabs; one tab alone looks like none."""

    slug = "vfio_host"
    tabs = (HostTab,)


class HostPageView(tabs.TabbedTableView):
    """The page of one host."""

    tab_group_class = HostTabs
    template_name = "admin/vfio_live_migration/host.html"
    page_title = "{{ host }}"

    def get_context_data(self, **kwargs):
        """Add the name, and the way back."""
        context = super().get_context_data(**kwargs)
        index = reverse("horizon:admin:vfio_live_migration:index")
        context["host"] = self.kwargs["host"]
        context["custom_breadcrumb"] = [
            (_("Hosts"), f"{index}?tab=vfio_live_migration__hosts"),
        ]
        return context
