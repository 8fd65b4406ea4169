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

"""Nova's own word about servers: of the files that were given, or else of nova-api's filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vfio_lm.cloud.model import Server
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.errors import CloudError, ForbiddenError
from vfio_lm.pci.nova_word import NovaWord
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.nova_says import GivenWord, NovaSays, about, not_asked, silent

#: Of servers in one question, so that its address stays short and the answer comes in time.
AT_ONCE = 20

_ORIGIN = "nova-api"


class NovaWords:
    """Where nova's word comes from in one survey; it is looked for when this is made.

    :param cloud: asked only where no file is given
    """

    def __init__(self, cloud: WholeCloud, inputs: Inputs) -> None:
        self._cloud = cloud
        self._inputs = inputs
        self._absence: str | None = None
        if not inputs.asks_nova:
            self._absence = "that was not wanted"
        elif not inputs.nova_words:
            self._absence = _absence(cloud)

    def about(self, servers: Sequence[Server], host: str | None) -> Mapping[str, NovaSays]:
        """Return what nova says about servers, by their IDs; :data:`AT_ONCE` at most.

        :param host: the destination that is named; None: none
        """
        given, inputs = self._inputs.nova_words, self._inputs
        if given:
            return {each.id: about(each, given, inputs.now, inputs.max_age) for each in servers}
        if self._absence is not None:
            return dict.fromkeys((each.id for each in servers), not_asked(self._absence))
        try:
            word = self._cloud.nova_itself.dry_run([each.id for each in servers], host)
        except CloudError as exc:
            return dict.fromkeys((each.id for each in servers), silent(str(exc)))
        return {each.id: self._just_said(each, word) for each in servers}

    def _just_said(self, server: Server, word: NovaWord) -> NovaSays:
        # The controller's clock may be another one.
        return about(server, [GivenWord(_ORIGIN, word)], word.taken_at, self._inputs.max_age)


def _absence(cloud: WholeCloud) -> str | None:
    """Say why nova does not serve its dry run to this user; None if it does."""
    try:
        cloud.nova_itself.dry_run_version()
    except ForbiddenError:
        return "nova-api serves its dry run to administrators only"
    except CloudError as exc:
        return f"nova-api does not serve its dry run ({exc})"
    return None
