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

"""Long lists, a page at a time: which rows, and the links to the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _
from horizon import tables

from vfio_lm.text import whole_number

_Item = TypeVar("_Item")


@dataclasses.dataclass(frozen=True)
class Page(Generic[_Item]):
    """A part of a list.

    :ivar number: which one, from 1
    :ivar pages: how many there are, at least 1
    """

    items: Sequence[_Item]
    number: int
    pages: int


def page_of(items: Sequence[_Item], wanted: str | None, size: int) -> Page[_Item]:
    """Return one page of a list.

    :param wanted: its number as a user's address has it; what is none counts as 1
    :param size: items on a page
    """
    pages = max(1, -(-len(items) // size))
    number = min(max(1, whole_number(wanted or "") or 1), pages)
    return Page(items[(number - 1) * size : number * size], number, pages)


class PagedTable(tables.DataTable):
    """A table that shows one page; Horizon's own paging follows markers of an API."""

    number_of_pages = None
    current_page = 1
    query = ""
    is_incomplete = False

    def get_empty_message(self):
        """Return what stands where there is no row: nothing, or nothing that is known."""
        return _("Not known.") if self.is_incomplete else super().get_empty_message()

    def turn_to(self, page: Page, param_name: str, query: dict[str, str]) -> Sequence:
        """Take over what is to be shown, and return it.

        :param param_name: in the address, for the number of the page
        :param query: what else belongs into the address
        """
        self.number_of_pages = page.pages if page.pages > 1 else None
        self.current_page = page.number
        self.query = f"?{urlencode(query)}&{param_name}="
        return page.items

    @property
    def has_prev_data(self):
        """Tell whether a page comes before this one."""
        return self.current_page > 1

    @property
    def has_more_data(self):
        """Tell whether a page comes after this one."""
        return self.current_page < (self.number_of_pages or 1)

    def get_pagination_string(self):
        """Return the address of a page, without its number."""
        return self.query
