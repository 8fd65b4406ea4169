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

"""Counting the tests of the last run from stestr's records; it runs none."""

from __future__ import annotations

import collections
import sys
from collections.abc import Mapping
from typing import Any

import testtools
from stestr.repository import util

_PASSED = ("success", "xfail")


def count() -> collections.Counter[str]:
    """Return how many tests of the last run passed, failed and were skipped."""
    found: collections.Counter[str] = collections.Counter()

    def add(test: Mapping[str, Any]) -> None:
        if test["status"] in _PASSED:
            found["passed"] += 1
        elif test["status"] == "skip":
            found["skipped"] += 1
        else:
            # also a worker that died, or a test that never came to its end
            found["failed"] += 1

    result = testtools.StreamToDict(add)
    run = util.get_repo_open().get_latest_run().get_test()
    result.startTestRun()
    run.run(result)
    result.stopTestRun()
    return found


def main() -> int:
    """Print the count on one line; the status tells whether any test ran and none failed."""
    found = count()
    print(f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped")
    return 0 if found["passed"] and not found["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
