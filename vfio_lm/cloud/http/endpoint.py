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


"""One service of a cloud behind a keystoneauth adapter: requests, pages, and answers read by shape.

Nova, placement, neutron and cinder are all asked here, and nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from keystoneauth1 import exceptions as ksa_exceptions

from vfio_lm.cloud.http.failure import misshapen, refusal, silence
from vfio_lm.cloud.http.shape import Fields, ShapeError, listed, record, text
from vfio_lm.cloud.http.time_limit import limit_time
from vfio_lm.cloud.model.nova import Microversion
from vfio_lm.errors import CloudError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from keystoneauth1.session import Session
    from requests import Response

_T = TypeVar("_T")

Params = Sequence[tuple[str, str]]

#: What keystoneauth raises, and what escapes it where the answer of keystone or the version
#: document of a service is garbled.
LIBRARY_ERRORS = (
    ksa_exceptions.ClientException,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class Endpoint:
    """One service, asked with the token of one user.

    :param name: as an operator calls it, for example ``nova``
    :param adapter: a keystoneauth adapter of the service
    :param microversion: of all requests that do not name another
    """

    def __init__(self, name: str, adapter: Adapter, microversion: str | None = None) -> None:
        self.name = name
        self._adapter = adapter
        self._microversion = microversion
        self._limits = limit_time(adapter.session)
        self._pace = _pace(adapter)

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Ask what may take long: if it takes too long, other questions are asked all the same."""
        with contextlib.ExitStack() as stack:
            for limit in self._limits:
                stack.enter_context(limit.apart())
            yield

    def get(
        self,
        path: str,
        make: Callable[[Fields], _T],
        params: Params = (),
        *,
        microversion: str | None = None,
    ) -> _T:
        """Return what is made of the answer to a question.

        :raises CloudError: if there is no answer, a refusal, or an answer of another shape
        """
        response = self.send("GET", path, params=params, microversion=microversion)
        return self.read(response, make)

    def find(
        self,
        path: str,
        make: Callable[[Fields], _T],
        params: Params = (),
        *,
        microversion: str | None = None,
    ) -> _T | None:
        """Do the same as :meth:`get` for what may not exist.

        :returns: None if the service itself, and no proxy before it, says that it does not exist
        """
        response = self.send(
            "GET", path, params=params, microversion=microversion, expected=(200, 404)
        )
        return self.read(response, make) if response.status_code == 200 else None

    def pages(
        self,
        path: str,
        key: str,
        make: Callable[[Fields], _T],
        params: Params = (),
        *,
        marker: str = "id",
        size: int | None = None,
    ) -> Iterator[_T]:
        """Yield what is made of each item of a list, page by page.

        :param key: the field of the answer that has the list
        :param marker: the field of a page's last item that the next page is asked for by
        :param size: how many items to ask for at once; None leaves that to the service
        :raises CloudError: as :meth:`get` does, and if the pages come to no end
        """
        common = [*params] if size is None else [*params, ("limit", str(size))]
        page: Params = common
        seen = set()
        while True:
            response = self.send("GET", path, params=page)
            items, last = self.read(response, lambda body: _page(body, key, make, marker))
            yield from items
            if last is None:
                return
            if last in seen:
                raise misshapen(self.name, response, "a page that it has not shown yet")
            seen.add(last)
            page = [*common, ("marker", last)]

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        json: Mapping[str, Any] | None = None,
        microversion: str | None = None,
        expected: Collection[int] = (200,),
    ) -> Response:
        """Make one request.

        :param expected: the statuses of the answers that the caller can do with; a refusal among
            them only counts if it is in JSON, as only the service itself answers
        :raises CloudError: if there is no answer, or one with another status
        """
        try:
            response: Response = self._adapter.request(
                path,
                method,
                params=list(params),
                json=json,
                microversion=microversion or self._microversion,
                raise_exc=False,
                **self._pace,
            )
        except LIBRARY_ERRORS as exc:
            raise self._silence(exc) from exc
        if response.status_code in expected:
            if response.status_code >= 400:
                self.read(response, lambda body: body)
            return response
        if response.status_code >= 400:
            raise refusal(self.name, response)
        statuses = " or ".join(map(str, expected))
        raise misshapen(self.name, response, f"status {statuses}: {response.status_code}")

    def read(self, response: Response, make: Callable[[Fields], _T]) -> _T:
        """Return what is made of an answer.

        :raises CloudError: if the answer has another shape
        """
        try:
            body = json.loads(response.content)
        except (ValueError, RecursionError):
            raise misshapen(self.name, response, "JSON") from None
        try:
            return make(Fields(body))
        except ShapeError as exc:
            raise misshapen(self.name, response, f"its API promises: {exc}") from None

    def max_microversion(self) -> Microversion:
        """Return the highest microversion that the service has.

        :raises CloudError: if the service does not answer, or has none
        """
        try:
            data = self._adapter.get_endpoint_data()
            if data is None:
                raise ksa_exceptions.EndpointNotFound
            if data.max_microversion is not None:
                return int(data.max_microversion[0]), int(data.max_microversion[1])
        except LIBRARY_ERRORS as exc:
            raise self._silence(exc) from exc
        raise versionless(self.name, self._adapter.session, str(data.url))

    def _silence(self, exc: Exception) -> CloudError:
        auth = self._adapter.auth or self._adapter.session.auth
        return silence(self.name, exc, getattr(auth, "auth_url", None))


def _pace(adapter: Adapter) -> Mapping[str, Any]:
    """Return what keeps requests apart in time, for those who set no rate: nothing.

    keystoneauth does that by the wall clock, also without a rate (``_fair_semaphore.py``): once the
    clock went back by an hour, each request would be held for an hour.
    """
    semaphore = getattr(adapter, "_rate_semaphore", None)
    if getattr(semaphore, "_rate_delay", 0) or getattr(semaphore, "_concurrency", None):
        return {}
    return {"rate_semaphore": contextlib.nullcontext()}


def versionless(name: str, session: Session, url: str) -> CloudError:
    """Return the error for a service whose version document was looked for in vain.

    keystoneauth does not say why, so it is asked for once more.

    :param url: of the service
    """
    try:
        response = session.get(url, authenticated=False, raise_exc=False)
    except LIBRARY_ERRORS as exc:
        return silence(name, exc)
    if response.status_code >= 400:
        return refusal(name, response)
    return misshapen(name, response, "a version document with microversions")


def path(*segments: str) -> str:
    """Return the path of what the segments name, whatever characters are in them."""
    return "".join(f"/{urllib.parse.quote(segment, safe=':')}" for segment in segments)


def _page(
    body: Fields, key: str, make: Callable[[Fields], _T], marker: str
) -> tuple[list[_T], str | None]:
    """Return the items of a page, and what the next page is asked for by; None for the last."""
    items = body(key, listed(record(make)))
    relations = listed(record(lambda link: link.get("rel", text, "")))
    if "next" not in body.get(f"{key}_links", relations, []):
        return items, None
    if not items:
        raise ShapeError("is empty, and has a next page", (key,))
    *_, last = body(key, listed(record(lambda item: item.get(marker, text, ""))))
    return items, last
