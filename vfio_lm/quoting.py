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

"""What of files and answers may be quoted to others: nothing that may be a secret.

Messages end up in logs, in reports and in tickets. A broken file puts a password where nothing of
the kind belongs, so that the name of an option says little about its value.
"""

from __future__ import annotations

import re

SEVERAL_LINES = (
    "the value has several lines: a line that begins with a blank continues the one above"
)
"""What is said of a value that has probably swallowed the lines below it."""

_CREDENTIALS = re.compile(r"://[^\s'\"<>]*@")
"""User and password of a URL. A password may hold a slash, so the last ``@`` counts."""

_SECRET_NAME = re.compile(
    r"""(?:passw|passphrase|secret|token|credential)[a-z0-9]*(?:[_.-][a-z0-9]+)?["']?\s*[=:]""",
    re.IGNORECASE,
)
"""An option, or a key of JSON, that is given a value; not a trait with a word such as SECRET."""

_HIDDEN = "://***@"

_VERDICT = " is not valid: "
"""What oslo.config writes before the words that quote a value."""


def without_credentials(text: str) -> str:
    """Return a text without users and passwords of URLs."""
    return _CREDENTIALS.sub(_HIDDEN, text)


def may_be_quoted(value: str) -> bool:
    """Whether a message may quote a value.

    One of several lines may have swallowed the lines of other options, which begin with a blank
    where a file was mended in haste.
    """
    return len(value.splitlines()) <= 1 and not names_secret(value)


def names_secret(text: str) -> bool:
    """Whether a text gives a value to a name that speaks of secrets, or holds such a URL."""
    return bool(_CREDENTIALS.search(text) or _SECRET_NAME.search(text))


def quoted(value: str) -> str:
    """Return a value if a message may quote it, or else nothing."""
    return value if may_be_quoted(value) else ""


def refusal_of_value(error: Exception, *values: str) -> str:
    """Return why oslo.config refuses a value, in its words if they quote nothing secret.

    :param values: as they are written, as far as they are known; oslo.config quotes parts of them
    """
    text = str(error)
    reason = text.partition(_VERDICT)[2] or text
    if all(map(may_be_quoted, (reason, *values))):
        return reason
    if any(len(each.splitlines()) > 1 for each in (reason, *values)):
        return SEVERAL_LINES
    return "the value is not valid, and not shown, because it may be a secret"
