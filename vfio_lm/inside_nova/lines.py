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

"""What passes between the API filter and its child beside nova's word: JSON objects on lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

READY: Mapping[str, Any] = {"ready": True}
"""The first line of a child that can be asked."""


def say(output: TextIO, what: Mapping[str, Any]) -> None:
    """Write an object, and do not wait for more."""
    output.write(json.dumps(what) + "\n")
    output.flush()
