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


"""What it means that a request had no answer or a bad one, in one sentence for the operator."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from keystoneauth1 import exceptions as ksa_exceptions

from vfio_lm.cloud.http.time_limit import OverdueError
from vfio_lm.errors import CloudError, ForbiddenError

if TYPE_CHECKING:
    from requests import Response

_LONGEST_DETAIL = 500


def silence(name: str, exc: Exception, auth_url: str | None = None) -> CloudError:
    """Return the error for a request that had no answer.

    :param name: the service that was asked
    :param exc: what keystoneauth or the SDK raised
    :param auth_url: the address of keystone, which is asked for a token first
    """
    if isinstance(exc, ksa_exceptions.CatalogException):
        return CloudError(
            f"{name} cannot be reached: the catalogue has no endpoint of {name} for this user and "
            f"region"
        )
    if isinstance(exc, ksa_exceptions.HttpError):
        # Services are asked in a way that does not raise for a refusal: only keystone's is.
        return CloudError(f"keystone answered {exc.http_status}: {exc.message}")
    if not isinstance(exc, ksa_exceptions.ClientException):
        return CloudError(
            f"{name} cannot be reached: keystone answered, or {name} shows its versions, with "
            f"something else than its API promises ({type(exc).__name__}: {_one_line(str(exc))})"
        )
    url = _requested_url(exc)
    if url is None:
        return CloudError(f"{name} cannot be reached: {_one_line(str(exc))}")
    if auth_url is not None and url.startswith(auth_url.rstrip("/")):
        name = "keystone"
    return CloudError(f"{name} cannot be reached at {_address(url)}: {_reason(exc)}")


def misshapen(name: str, response: Response, promised: str) -> CloudError:
    """Return the error for an answer that is something else than the API of the service promises.

    :param promised: what was expected, for example ``JSON``
    """
    return CloudError(
        f"{name} at {_origin(response.url)} answered {asked(response)} with something else than "
        f"{promised}"
    )


def refusal(name: str, response: Response) -> CloudError:
    """Return the error for an answer that says no."""
    status, detail = response.status_code, answered_detail(response)
    if status == 403:
        return ForbiddenError(
            f"the admin role is needed: {name} refused {asked(response)} ({detail})"
        )
    return CloudError(f"{name} answered {status} to {asked(response)}: {detail}")


def asked(response: Response) -> str:
    """Return the request that an answer is about."""
    return f"{response.request.method} {response.request.path_url}"


def answered_detail(response: Response) -> str:
    """Return the service's own words for what went wrong; each service has a form of its own."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    return _one_line(next(_messages(body), str(response.reason)))


def _messages(body: object) -> Iterator[str]:
    """Yield what may be the message: of placement, of nova and cinder, of neutron."""
    values = list(body.values()) if isinstance(body, dict) else []
    for value in values:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield each
            elif isinstance(each, dict):
                found = each.get("detail") or each.get("message")
                if isinstance(found, str):
                    yield found


def _one_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST_DETAIL]


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that it was made of, the innermost last."""
    seen = set()
    todo = [exc]
    while todo:
        each = todo.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        todo += [a for a in (*each.args, getattr(each, "reason", None)) if isinstance(a, Exception)]
        todo += [each.__cause__, each.__context__]


def _requested_url(exc: Exception) -> str | None:
    for each in _chain(exc):
        if isinstance(each, requests.RequestException) and each.request is not None:
            return str(each.request.url)
    return None


def _reason(exc: Exception) -> str:
    """Return why there was no answer, as short as the system calls it."""
    reason = _one_line(str(exc))
    for each in _chain(exc):
        if isinstance(each, OverdueError):
            return str(each)
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"certificate verify failed: {each.verify_message}"
        if isinstance(each, http.client.RemoteDisconnected):
            return "it closed the connection without an answer"
        if isinstance(each, http.client.IncompleteRead):
            return "it broke off its answer"
        if isinstance(each, http.client.HTTPException):
            return "what listens there does not speak HTTP"
        if isinstance(each, OSError) and each.strerror:
            reason = str(each.strerror).lower()
    return reason


def _origin(url: str) -> str:
    """Return the server of an address, without what an endpoint may have of a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _address(url: str) -> str:
    return _origin(url) + urlsplit(url).path
