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

"""Asking nova-api's filter for nova's own word; what that is worth is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from vfio_lm.cloud.http.failure import misshapen
from vfio_lm.cloud.http.shape import record, text
from vfio_lm.cloud.nova.client import ComputeClient
from vfio_lm.pci.nova_word import NovaWord, NovaWordError, parse_nova_word

_RESOURCE = "/os-vfio-lm"


class DryRunClient(ComputeClient):
    """The same nova, asked what it would do; the answer is made by nova's own code."""

    def dry_run_version(self) -> str:
        """Return the version of the nova that is asked; this user is served then.

        The filter makes itself ready for a question, which takes some seconds.

        :raises ForbiddenError: if the user is no administrator
        :raises CloudError: if nova-api has no such filter
        """
        return self._http.get(
            _RESOURCE, lambda body: body("vfio_lm", record(lambda it: it("nova_version", text)))
        )

    def dry_run(self, server_ids: Iterable[str], host: str | None = None) -> NovaWord:
        """Return what would become of live migrations.

        It may take long; that it does is not held against nova's other answers.

        :param host: the destination that is named; None: none
        :raises CloudError: if nova-api does not answer in time, or with something else
        """
        params = [("server", each) for each in server_ids]
        if host is not None:
            params.append(("host", host))
        with self._http.apart():
            response = self._http.send("GET", f"{_RESOURCE}/dry-run", params=params)
        try:
            return parse_nova_word(response.content.decode(), "nova-api")
        except (UnicodeDecodeError, NovaWordError) as exc:
            raise misshapen("nova", response, f"nova's own word: {exc}") from None
