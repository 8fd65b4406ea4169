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

"""nova-api of older releases, with eventlet's threads and with native ones, serves the dry run."""

from tests.functional import dry_run_api_cases
from vfio_lm.pci.release import NovaRelease


class TestApiFilter31(dry_run_api_cases.ApiFilter):
    release = NovaRelease.R2025_1


class TestApiFilter32(dry_run_api_cases.ApiFilter):
    release = NovaRelease.R2025_2


class TestApiFilter33(dry_run_api_cases.ApiFilter):
    release = NovaRelease.R2026_1
