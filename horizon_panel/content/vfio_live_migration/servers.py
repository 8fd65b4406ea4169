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

"""The servers that hold PCI devices by alias."""

from django.template.defaultfilters import title
from django.utils.translation import gettext_lazy as _
from horizon import tables
from horizon.utils import filters
from openstack_dashboard.dashboards.project.instances.tables import STATUS_DISPLAY_CHOICES

from horizon_panel import api, server_api
from horizon_panel.content.vfio_live_migration import labels, links
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTableTab
from horizon_panel.content.vfio_live_migration.paging import PagedTable

#: In the address: whether the servers of the page are checked. That takes a question to placement
#: for each kind of request, so that it is only done when somebody asks for it.
CHECK = "check"

UNCHECKED = "unchecked"


def devices(item):
    """Return the devices that a server holds, with their units, as one text."""
    times = "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}"
    return ", ".join(f"{each.address}{times}{each.units}" for each in item.devices or ()) or None


class VerdictColumn(tables.Column):
    """The verdict of the preflight about a server, where the page has been checked."""

    def get_raw_data(self, datum):
        """Return a key of the labels."""
        verdict = self.table.verdicts.get(datum.server.id)
        return verdict.value if verdict else UNCHECKED


class CheckPage(tables.LinkAction):
    """Shows the page again, with the verdict about each of its servers."""

    name = "check_page"
    verbose_name = _("Check This Page")
    icon = "check"

    def get_link_url(self, datum=None):
        """Return the address of the page with the verdicts."""
        return f"{self.table.query}{self.table.current_page}&{CHECK}=on"


class ServersTable(PagedTable):
    """A row for each server."""

    name = tables.WrappingColumn(
        lambda item: item.server.name,
        verbose_name=_("Server"),
        link=lambda item: links.server(item.server.id),
    )
    status = tables.Column(
        lambda item: item.server.status,
        verbose_name=_("Status"),
        filters=(title, filters.replace_underscores),
        display_choices=STATUS_DISPLAY_CHOICES,
    )
    host = tables.WrappingColumn(
        lambda item: item.server.host or None,
        verbose_name=_("Host"),
        link=lambda item: links.host(item.server.host),
    )
    devices = tables.WrappingColumn(devices, verbose_name=_("Devices"))
    flavor = tables.WrappingColumn(lambda item: item.server.flavor.name, verbose_name=_("Flavor"))
    live_migratable = tables.Column(
        lambda item: item.use.meaning.value,
        verbose_name=_("Live Migratable"),
        display_choices=labels.LIVE_MIGRATABLE,
        help_text=_("What the aliases of its flavor say now, taken together."),
    )
    preflight = VerdictColumn(
        "preflight",
        verbose_name=_("Preflight"),
        display_choices=(*labels.VERDICTS, (UNCHECKED, _("Check"))),
        link=lambda item: links.preflight(item.server.id),
    )

    class Meta:
        name = "servers"
        verbose_name = _("Servers")
        table_actions = (CheckPage,)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.verdicts = {}

    def get_object_id(self, item):
        """Return the ID of the server."""
        return item.server.id

    def get_object_display(self, item):
        """Return the name of the server."""
        return item.server.name


def look_at(tab, found):
    """Return those servers that the page of a tab shows, with what they hold.

    Their verdicts are put into the table, where they are asked for.
    """
    table = tab._tables["servers"]
    shown = tab.show(table, found)
    if not shown:
        return ()
    if CHECK in tab.request.GET:
        table.verdicts = tab.ask(server_api.verdicts, [item.server for item in shown]) or {}
    return api.look_at_servers(tab.request, shown, tab.note_gap)


class ServersTab(CloudTableTab):
    """All servers with devices; what they hold is asked for those of the page."""

    table_classes = (ServersTable,)
    name = _("Servers")
    slug = "servers"
    filter_label = _("Server, host, flavor or alias")

    def get_servers_data(self):
        """Return all servers with devices, on pages."""
        aliases = self.aliases
        servers = self.ask(api.servers, aliases) or ()
        found = self.filtered(
            servers,
            lambda item: (
                item.server.name,
                item.server.id,
                item.server.host,
                item.server.flavor.name,
                *item.use.counts,
            ),
        )
        return look_at(self, found)
