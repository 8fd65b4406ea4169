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

"""Times as ISO 8601 writes them, also those that Python before 3.11 does not read."""

from __future__ import annotations

import datetime
import re

_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")
_FRACTION = re.compile(r"\.(\d{1,6})(?!\d)")


def read_time(text: str) -> datetime.datetime:
    """Read a time.

    :raises ValueError: it is none
    """
    text = f"{text[:-1]}+00:00" if text.endswith("Z") else text
    if ":" in text:
        text = _ZONE.sub(r"\1:\2", text)
    text = _FRACTION.sub(lambda found: f".{found[1]:0<6}", text)
    return datetime.datetime.fromisoformat(text)
