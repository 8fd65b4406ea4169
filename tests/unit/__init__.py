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

"""Tests without a cloud. Rules copied from nova are held against nova's own functions."""

import importlib.util
import os
import sys
import unittest

from hypothesis import settings

settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True)
settings.register_profile("nightly", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class _AskedOnly:
    """Finds no service, and lets the test modules that ask one be skipped."""

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] in ("neutron", "nova", "oslo_db", "placement"):
            raise unittest.SkipTest(f"{name} is not installed")


# The lowest versions of what we require (tox -e lower) and a nova do not go together.
if importlib.util.find_spec("nova") is None:
    sys.meta_path.append(_AskedOnly())
