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

"""What flavors can ask for by alias, and the flavors that do."""

from __future__ import annotations

import dataclasses

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from horizon import tables

from horizon_panel import api, files
from horizon_panel.content.vfio_live_migration import labels, links
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTableTab
from horizon_panel.content.vfio_live_migration.flavor.forms import CREATE_POLICY
from horizon_panel.content.vfio_live_migration.paging import PagedTable
from vfio_lm.inventory import AliasUsage
from vfio_lm.pci import Alias


@dataclasses.dataclass(frozen=True)
class AliasRow:
    """An alias that nova.conf defines or that is used.

    :ivar alias: None where its definition is not known
    """

    name: str
    alias: Alias | None
    usage: AliasUsage

    @property
    def device_type(self):
        """The type of the devices that it means."""
        return self.alias.specs[0].device_type if self.alias else None

    @property
    def kinds(self):
        """The devices that it means."""
        return ", ".join(self.alias.kinds) if self.alias else None

    @property
    def live_migratable(self):
        """A key of the labels."""
        return self.alias.live_migratable.value if self.alias else "unknown"

    @property
    def traits(self):
        """The traits that the alias asks of devices."""
        return ", ".join(self.alias.required_traits if self.alias else ()) or None


class CreateFlavorLink(tables.LinkAction):
    """Opens the form for a flavor that asks for an alias."""

    name = "create_flavor"
    verbose_name = _("Create Flavor")
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = CREATE_POLICY

    def allowed(self, request, row=None):
        """Offer it unless nova.conf is known and does not define the alias."""
        return row is None or row.alias is not None or not files.is_nova_conf_set()

    def get_link_url(self, datum=None):
        """Return the address of the form, with the alias chosen."""
        address = reverse("horizon:admin:vfio_live_migration:create_flavor")
        return f"{address}?{urlencode({'alias': datum.name})}" if datum else address


class AliasesTable(PagedTable):
    """A row for each alias."""

    name = tables.WrappingColumn("name", verbose_name=_("Alias"))
    device_type = tables.Column("device_type", verbose_name=_("Device Type"))
    kinds = tables.WrappingColumn("kinds", verbose_name=_("Resource Class or IDs"))
    live_migratable = tables.Column(
        "live_migratable",
        verbose_name=_("Live Migratable"),
        display_choices=labels.LIVE_MIGRATABLE,
        help_text=_("Nova live migrates no server whose alias does not say yes."),
    )
    traits = tables.WrappingColumn("traits", verbose_name=_("Required Traits"))
    flavors = tables.WrappingColumn(
        lambda row: ", ".join(row.usage.flavors) or None, verbose_name=_("Flavors")
    )
    servers = tables.Column(lambda row: len(row.usage.servers), verbose_name=_("Servers"))

    class Meta:
        name = "aliases"
        row_actions = (CreateFlavorLink,)
        verbose_name = _("Aliases")
        hidden_title = False

    def get_object_id(self, row):
        """Return the name of the alias."""
        return row.name

    def get_object_display(self, row):
        """Return the name of the alias."""
        return row.name


class FlavorsTable(PagedTable):
    """A row for each flavor that asks for devices."""

    name = tables.WrappingColumn(
        lambda item: item.flavor.name,
        verbose_name=_("Flavor"),
        link=lambda item: links.flavor(item.flavor.id),
    )
    aliases = tables.WrappingColumn(
        lambda item: ", ".join(f"{alias} × {count}" for alias, count in item.use.counts.items()),
        verbose_name=_("Aliases"),
    )
    live_migratable = tables.Column(
        lambda item: item.use.meaning.value,
        verbose_name=_("Live Migratable"),
        display_choices=labels.LIVE_MIGRATABLE,
        help_text=_("What all its aliases together say."),
    )
    is_public = tables.Column(
        lambda item: item.flavor.is_public, verbose_name=_("Public"), filters=(labels.yes_no,)
    )
    servers = tables.Column("servers", verbose_name=_("Servers"))
    outdated_servers = tables.Column(
        "outdated_servers",
        verbose_name=_("Outdated Servers"),
        help_text=_("Servers that asked for other devices when they were made, and keep these."),
    )

    class Meta:
        name = "flavors"
        verbose_name = _("Flavors")
        hidden_title = False

    def get_object_id(self, item):
        """Return the ID of the flavor."""
        return item.flavor.id

    def get_object_display(self, item):
        """Return the name of the flavor."""
        return item.flavor.name


class UsesTab(CloudTableTab):
    """Aliases and flavors."""

    table_classes = (AliasesTable, FlavorsTable)
    name = _("Aliases & Flavors")
    slug = "aliases"
    template_name = "admin/vfio_live_migration/_aliases.html"
    filter_label = _("Alias or flavor")

    def load_table_data(self):
        """Ask once for both tables."""
        if not self._table_data_loaded:
            self._known = self.aliases
            self._flavors, self._usage = self.ask(api.uses, self._known) or ((), {})
        super().load_table_data()

    def get_aliases_data(self):
        """Return the aliases that are defined or used, on pages."""
        known = self._known or {}
        rows = [
            AliasRow(name, known.get(name), self._usage.get(name, AliasUsage()))
            for name in sorted(known.keys() | self._usage.keys())
        ]
        found = self.filtered(rows, lambda row: (row.name, *row.usage.flavors))
        return self.show(self._tables["aliases"], found)

    def get_flavors_data(self):
        """Return the flavors that ask for devices, on pages."""
        found = self.filtered(self._flavors, lambda item: (item.flavor.name, *item.use.counts))
        return self.show(self._tables["flavors"], found)

    def get_context_data(self, request, **kwargs):
        """Tell whether it is said where the aliases are defined."""
        context = super().get_context_data(request, **kwargs)
        return context | {"is_nova_conf_set": files.is_nova_conf_set()}
