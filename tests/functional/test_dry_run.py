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

"""What nova's code says about a live migration in a dry run is what nova then does."""

from tests.functional import dry_run_cases


class TestKinds(dry_run_cases.Kinds):
    """On the release of the tests."""


class TestHistories(dry_run_cases.Histories):
    """On the release of the tests."""


class TestOwnFilters(dry_run_cases.OwnFilters):
    """On the release of the tests."""
