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

"""A filter of nova-api: serves the dry run under nova's endpoint, for administrators.

It stands in nova's api-paste.ini behind ``keystonecontext``, so that nova has looked at the token.
Requests to other paths are handed on as they came. The dry run itself is a child process's, not
nova-api's: the scheduler's code overrides options, guards objects and fills caches of its whole
process, and would let other requests wait for it. The child reads nova-api's configuration files.

==================================  ============================================================
GET .../os-vfio-lm                  what is served here; a client finds the filter with it
GET .../os-vfio-lm/dry-run          nova's word; ``server`` (may be repeated), ``source``, ``all``,
                                    ``host`` as the command vfio-lm-nova has them
GET .../os-vfio-lm/facts            what nova stored for all hosts, and for all servers that
                                    asked for PCI devices
==================================  ============================================================
"""

from __future__ import annotations

import json
import re
import shlex
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vfio_lm.inside_nova.child import BusyError, Child, ChildError, default_command
from vfio_lm.pci.nova_word import VERSION

RESOURCE = "os-vfio-lm"

#: The endpoint in the catalogue may have the project's ID in its path.
_PATH = re.compile(rf"^/(?:[^/]+/)?{RESOURCE}(?P<rest>/[^/]*)?/?$")
_MARK = f"/{RESOURCE}"
_TIME_LIMIT = 60.0
_TRUE = ("1", "true", "yes", "on")
_PARAMETERS = {
    "/dry-run": frozenset({"server", "source", "all", "host"}),
    "/facts": frozenset[str](),
}

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]


class ApiFilter:
    """The WSGI application in front of nova's."""

    def __init__(self, application: Any, child: Child, time_limit: float) -> None:
        """Stand in front of an application.

        :param time_limit: seconds that an answer may take
        """
        self._application = application
        self._child = child
        self._time_limit = time_limit

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Answer a request, or hand it on."""
        path = environ.get("PATH_INFO", "")
        match = _PATH.match(path) if _MARK in path else None
        if match is None:
            handed_on: Iterable[bytes] = self._application(environ, start_response)
            return handed_on
        try:
            body = self._body(environ, match["rest"] or "")
        except _RefusedError as exc:
            return _respond(start_response, exc.status, exc.body(), exc.headers)
        return _respond(start_response, "200 OK", body)

    def _body(self, environ: _Environ, rest: str) -> bytes:
        context = environ.get("nova.context")
        if context is None:
            raise _RefusedError(
                "500 Internal Server Error",
                "the filter vfio_lm has to stand behind keystonecontext in api-paste.ini",
            )
        if not context.is_admin:
            raise _RefusedError("403 Forbidden", "only an administrator may ask for a dry run")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            raise _RefusedError(
                "405 Method Not Allowed", "nothing can be changed here", [("Allow", "GET, HEAD")]
            )
        if rest in ("", "/"):
            # Who looks whether the filter is there is about to ask.
            self._child.warm_up()
            return json.dumps({"vfio_lm": self._description()}).encode()
        return self._ask(_question(rest, environ.get("QUERY_STRING", "")))

    def _ask(self, question: Mapping[str, Any]) -> bytes:
        try:
            return self._child.ask({**question, "seconds": self._time_limit}, self._time_limit)
        except BusyError as exc:
            raise _RefusedError(
                "503 Service Unavailable", str(exc), [("Retry-After", "10")]
            ) from None
        except ChildError as exc:
            raise _RefusedError("503 Service Unavailable", str(exc)) from None

    def _description(self) -> dict[str, Any]:
        from nova import version

        return {
            "schema_version": VERSION,
            "nova_version": version.version_string(),
            "time_limit": self._time_limit,
            "resources": sorted(each.lstrip("/") for each in _PARAMETERS),
        }


def filter_factory(global_conf: Mapping[str, str], **local_conf: str) -> Callable[[Any], ApiFilter]:
    """Make the filter as Paste Deploy wants it.

    The options of its section: ``command`` (default: the vfio-lm-nova beside this Python),
    ``config_file`` and ``config_dir`` (several separated by commas; default: nova-api's own),
    ``own_database_user`` (default: false), ``corrected`` (several separated by commas) and
    ``time_limit`` in seconds (default: 60).
    """
    time_limit = float(local_conf.get("time_limit", _TIME_LIMIT))
    words = shlex.split(local_conf.get("command", "")) or default_command()
    files = _listed(local_conf.get("config_file"))
    directories = _listed(local_conf.get("config_dir"))
    corrected = _listed(local_conf.get("corrected"))
    has_own_user = local_conf.get("own_database_user", "").lower() in _TRUE

    def command() -> Sequence[str]:
        """Return the command; nova-api knows its configuration files when it is asked first."""
        import nova.conf

        conf_files, conf_dirs = files, directories
        if not (files or directories):
            conf_files = getattr(nova.conf.CONF, "config_file", None) or []
            conf_dirs = getattr(nova.conf.CONF, "config_dir", None) or []
        return [
            *words,
            "--serve",
            *(["--own-database-user"] if has_own_user else []),
            *(word for name in corrected for word in ("--corrected", name)),
            *(word for name in conf_files for word in ("--config-file", str(name))),
            *(word for name in conf_dirs for word in ("--config-dir", str(name))),
        ]

    child = Child(command)
    return lambda application: ApiFilter(application, child, time_limit)


def _listed(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def _question(rest: str, query: str) -> dict[str, Any]:
    """Read a question from the path and the query of a URL.

    :raises _RefusedError: if it is none
    """
    known = _PARAMETERS.get(rest.rstrip("/"))
    if known is None:
        raise _RefusedError("404 Not Found", f"there is no {RESOURCE}{rest}")
    given = urllib.parse.parse_qs(query, keep_blank_values=True)
    strange = sorted(set(given) - known)
    if strange:
        raise _RefusedError("400 Bad Request", f"unknown parameter: {', '.join(strange)}")
    if rest.rstrip("/") == "/facts":
        return {"wants_facts": True}
    for name in ("source", "all", "host"):
        if len(given.get(name, ())) > 1:
            raise _RefusedError("400 Bad Request", f"{name} is given more than once")
    question = {
        "servers": given.get("server", []),
        "source": given.get("source", [None])[0],
        "is_about_all": given.get("all", [""])[0].lower() in _TRUE,
        "host": given.get("host", [None])[0],
    }
    if not (question["servers"] or question["source"] or question["is_about_all"]):
        raise _RefusedError("400 Bad Request", "one of server, source and all has to be given")
    return question


class _RefusedError(Exception):
    """A request that is not answered with nova's word."""

    def __init__(self, status: str, message: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers

    def body(self) -> bytes:
        """Return the error as nova's API shows its own."""
        code, _, title = self.status.partition(" ")
        name = title[:1].lower() + title.title().replace(" ", "")[1:]
        return json.dumps({name: {"code": int(code), "message": str(self)}}).encode()


def _respond(
    start_response: _StartResponse,
    status: str,
    body: bytes,
    headers: Sequence[tuple[str, str]] = (),
) -> list[bytes]:
    own = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, [*own, *headers])
    return [body]
