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

"""The file in site-packages corrects the nova-compute of each release before the tests' one."""

from tests.packaging import site_cases
from vfio_lm.pci.release import NovaRelease


class TestSitePackages31(site_cases.NovaCompute):
    release = NovaRelease.R2025_1


class TestSitePackages32(site_cases.NovaCompute):
    release = NovaRelease.R2025_2


class TestSitePackages33(site_cases.NovaCompute):
    release = NovaRelease.R2026_1
