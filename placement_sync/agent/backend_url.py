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

"""Where agents find one another: the URL of their coordination backend, and what in it is secret.

The URL is tooz's, and tooz takes user and password out of it as they are written.
"""

from __future__ import annotations

import dataclasses
import urllib.parse

from vfio_lm.entry_points import entry_points
from vfio_lm.errors import OptionError
from vfio_lm.text import whole_number

_TOOZ_BACKENDS = "tooz.backends"
"""The entry points that tooz looks for backends among."""

TESTED_BACKENDS = ("redis", "etcd3+http")
"""Those that the agent is tested with; tooz has more."""

_LONGEST_SILENCE = 30
"""Seconds that another agent may be silent before it counts as dead, if the URL does not say."""

_SHORTEST_ANSWER_TIME = 1.0
"""Seconds; a backend on a busy machine may need as long for an answer."""

_SECRET_WORDS = ("password", "secret", "token")

_HIDDEN = "***"


@dataclasses.dataclass(frozen=True)
class Coordination:
    """Where the agents find one another."""

    backend_url: str = dataclasses.field(repr=False)
    group: str
    timeout: int
    """Seconds that an agent may be silent before the others take its hosts."""

    @property
    def answer_time(self) -> float:
        """The seconds that the backend has for an answer.

        An agent asks after a third of the time that it may be silent for; when it has waited this
        long for an answer, there is time to connect once more before it counts as dead.
        """
        return max(_SHORTEST_ANSWER_TIME, self.timeout / 3)

    @property
    def backend(self) -> str:
        """The kind of backend."""
        return urllib.parse.urlsplit(self.backend_url).scheme

    def without_secrets(self, text: str) -> str:
        """Return a text, for example a driver's error, without the secrets of the URL."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text

    def _secrets(self) -> set[str]:
        parts = urllib.parse.urlsplit(self.backend_url)
        query = urllib.parse.parse_qsl(parts.query)
        named = {value for name, value in query if any(word in name for word in _SECRET_WORDS)}
        written = {parts.password or "", *named}
        return {each for text in written for each in (text, urllib.parse.unquote(text)) if each}


def read_backend_url(url: str, group: str, interval: int) -> Coordination:
    """Return what a URL means, completed by what it leaves out.

    :param interval: seconds between the rounds of an agent
    :raises OptionError: if tooz could not use it; no part of it is quoted that may be a password
    """
    parts = _split(url)
    backends = sorted({entry.name for _, entry in entry_points(_TOOZ_BACKENDS)})
    if parts.scheme not in backends:
        raise OptionError(parts.scheme, f"is not one of tooz's backends: {', '.join(backends)}")
    query = urllib.parse.parse_qsl(parts.query)
    given = dict(query)
    usual = max(1, min(_LONGEST_SILENCE, interval // 2))
    text = given.get("timeout", str(usual))
    timeout = whole_number(text)
    if not timeout:
        raise OptionError("", "its timeout is not a whole number of seconds, such as ?timeout=30")
    found = Coordination(url, group, timeout)
    added = {"timeout": text}
    if parts.scheme == "redis":
        # The driver would wait for longer than the agent does, and then try fifteen times.
        answer_time = f"{found.answer_time:g}"
        added |= {"socket_timeout": answer_time, "socket_connect_timeout": answer_time}
    query += [(name, value) for name, value in added.items() if name not in given]
    complete = parts._replace(query=urllib.parse.urlencode(query)).geturl()
    return dataclasses.replace(found, backend_url=complete)


def _split(url: str) -> urllib.parse.SplitResult:
    """Take a URL apart; Python's own errors quote the password."""
    try:
        parts = urllib.parse.urlsplit(url)
        # Several hosts of zookeeper are written with commas, and have a port each.
        has_host = bool(parts.hostname) or not parts.netloc
        if not parts.scheme.startswith(("zookeeper", "kazoo")):
            _ = parts.port
    except ValueError:
        has_host = False
    if not has_host or parts.fragment:
        raise OptionError(
            "",
            "is not a URL such as redis://:PASSWORD@HOST:PORT: a password in it cannot contain "
            "any of # / ? [ ] or a character outside ASCII, because tooz does not decode %XX",
        )
    return parts
