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

"""What nova's code says in a dry run is what nova does, on each release before the tests' one."""

from tests.functional import dry_run_cases
from vfio_lm.pci.release import NovaRelease


class TestKinds31(dry_run_cases.Kinds):
    release = NovaRelease.R2025_1


class TestHistories31(dry_run_cases.Histories):
    release = NovaRelease.R2025_1


class TestKinds32(dry_run_cases.Kinds):
    release = NovaRelease.R2025_2


class TestHistories32(dry_run_cases.Histories):
    release = NovaRelease.R2025_2


class TestKinds33(dry_run_cases.Kinds):
    release = NovaRelease.R2026_1


class TestHistories33(dry_run_cases.Histories):
    release = NovaRelease.R2026_1


class TestOwnFilters31(dry_run_cases.OwnFilters):
    release = NovaRelease.R2025_1


class TestOwnFilters32(dry_run_cases.OwnFilters):
    release = NovaRelease.R2025_2


class TestOwnFilters33(dry_run_cases.OwnFilters):
    release = NovaRelease.R2026_1
