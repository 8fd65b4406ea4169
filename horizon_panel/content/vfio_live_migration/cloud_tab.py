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

"""What the tabs that show something of the cloud have in common: gaps, a filter, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.utils.translation import gettext_lazy as _
from horizon import tabs
from horizon.utils import functions

from horizon_panel import api
from horizon_panel.content.vfio_live_migration.paging import Page, PagedTable, page_of
from vfio_lm.errors import VfioLmError

_Item = TypeVar("_Item")


class CloudTab(tabs.Tab):
    """A tab that is loaded when it is opened, and says in it what cannot be shown."""

    preload = False

    def __init__(self, tab_group, request):
        super().__init__(tab_group, request)
        self._gaps: list[str] = []

    def note_gap(self, error: VfioLmError) -> None:
        """Say above the contents what a service or file did not tell."""
        text = str(error)
        if text not in self._gaps:
            self._gaps.append(text)

    def ask(self, question: Callable, *args: object) -> object | None:
        """Return what a function of :mod:`horizon_panel.api` answers; None notes a gap.

        :param question: takes the request first
        """
        try:
            return question(self.request, *args)
        except VfioLmError as exc:
            self.note_gap(exc)
            return None

    @property
    def aliases(self):
        """The aliases by name, or None where it is not known what they mean."""
        conf = self.ask(api.nova_conf)
        return conf.aliases if conf else None

    @property
    def filter_param(self) -> str:
        """The name of the filter's text in the address."""
        return f"{self.slug}_q"

    @property
    def filter_text(self) -> str:
        """What the rows should have somewhere."""
        return self.request.GET.get(self.filter_param, "").strip()

    def filtered(
        self, items: Iterable[_Item], fields: Callable[[_Item], Iterable[str]]
    ) -> list[_Item]:
        """Return the items that have the text of the filter in one of their fields."""
        text = self.filter_text.lower()
        return [item for item in items if any(text in field.lower() for field in fields(item))]

    def page(self, items: Sequence[_Item], name: str) -> Page[_Item]:
        """Return the page of a list that the address asks for.

        :param name: of the list, in the address
        """
        size = functions.get_page_size(self.request)
        return page_of(items, self.request.GET.get(f"{name}_page"), size)

    def page_query(self) -> dict[str, str]:
        """Return what leads back to this tab with its filter."""
        query = {self.tab_group.param_name: self.get_id()}
        return query | {self.filter_param: self.filter_text} if self.filter_text else query

    def get_context_data(self, request, **kwargs):
        """Add the gaps, once all is asked."""
        context = super().get_context_data(request, **kwargs)
        return context | {"tab": self, "gaps": self._gaps}


class CloudTableTab(CloudTab, tabs.TableTab):
    """A tab with tables that are filtered and paged."""

    template_name = "admin/vfio_live_migration/_tables.html"
    #: What the filter looks at, for people.
    filter_label = _("Filter")

    def show(self, table: PagedTable, items: Sequence[_Item]) -> Sequence[_Item]:
        """Return the part of a list that a table shows on this page."""
        page = self.page(items, table.name)
        return table.turn_to(page, f"{table.name}_page", self.page_query())

    def get_context_data(self, request, **kwargs):
        """Add the tables in their order."""
        context = super().get_context_data(request, **kwargs)
        for table in self._tables.values():
            table.is_incomplete = bool(self._gaps)
        return context | {"tables": list(self._tables.values())}
