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

"""The faults of nova's live migration of PCI devices, and their corrections, on older releases."""

from tests.functional import correction_cases, remap_cases
from vfio_lm.pci.release import NovaRelease


class TestInstalled31(correction_cases.Installed):
    release = NovaRelease.R2025_1
    raises_twice = False


class TestCorrected31(correction_cases.Corrected):
    release = NovaRelease.R2025_1


class TestInstalled32(correction_cases.Installed):
    release = NovaRelease.R2025_2


class TestCorrected32(correction_cases.Corrected):
    release = NovaRelease.R2025_2


class TestInstalled33(correction_cases.Installed):
    release = NovaRelease.R2026_1


class TestCorrected33(correction_cases.Corrected):
    release = NovaRelease.R2026_1


class TestExchanged31(remap_cases.Exchanged):
    release = NovaRelease.R2025_1


class TestKeptApart31(remap_cases.KeptApart):
    release = NovaRelease.R2025_1


class TestExchanged32(remap_cases.Exchanged):
    release = NovaRelease.R2025_2


class TestKeptApart32(remap_cases.KeptApart):
    release = NovaRelease.R2025_2


class TestExchanged33(remap_cases.Exchanged):
    release = NovaRelease.R2026_1


class TestKeptApart33(remap_cases.KeptApart):
    release = NovaRelease.R2026_1
