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
"""What command lines do about arguments that they do not understand, where 2 is an answer."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

USAGE_ERROR = 1
"""The exit status of a typing error. argparse's own, 2, is that of an answer."""


def seconds(text: str) -> float:
    """Return a time that a user gave.

    :raises argparse.ArgumentTypeError: if it is no time, or none that ends
    """
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0 seconds")
    return value


class UsageErrorsFail:
    """Makes a parser say what is wrong in one line, and fail as a command does that failed."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments; a usage of many lines would bury it."""
        parser: Any = self
        sys.stderr.write(f"{parser.prog}: error: {message}; see --help\n")
        sys.exit(USAGE_ERROR)


class ArgumentParser(UsageErrorsFail, argparse.ArgumentParser):
    """A parser of which each error is one line and the exit status 1."""
