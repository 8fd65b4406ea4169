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
from collections.abc import Iterator, Mapping
from typing import Any

import testtools
from stestr.repository import util

_PASSED = ("success", "xfail")
# of what a failed test has to say, the end: a log of a service before it may be long
_SHOWN = 1500


def tests() -> list[Mapping[str, Any]]:
    """Return the tests of the last run: ``id``, ``status``, ``details``."""
    found: list[Mapping[str, Any]] = []
    result = testtools.StreamToDict(found.append)
    run = util.get_repo_open().get_latest_run().get_test()
    result.startTestRun()
    run.run(result)
    result.stopTestRun()
    return found


def outcome(test: Mapping[str, Any]) -> str:
    """Return ``passed``, ``skipped`` or ``failed``.

    A worker that died and a test that never came to its end have failed.
    """
    if test["status"] in _PASSED:
        return "passed"
    return "skipped" if test["status"] == "skip" else "failed"


def failure(test: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that tell which test failed and why."""
    yield f"failed: {test['id']} ({test['status']})"
    for name, detail in sorted(test["details"].items()):
        if detail.content_type.type == "text" and (text := detail.as_text().strip()):
            yield f"--- {name}"
            yield text[-_SHOWN:]


def main() -> int:
    """Print what failed, then the count on one line.

    The status shows whether any test ran and none failed.
    """
    run = tests()
    for test in run:
        if outcome(test) == "failed":
            print(*failure(test), "", sep="\n")
    found = collections.Counter(map(outcome, run))
    print(f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped")
    return 0 if found["passed"] and not found["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
