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

"""A first look at a cloud: what each host lacks for live migration, and what to mend first.

Not whether one server will live migrate: that is :mod:`vfio_lm.preflight`.
"""

from vfio_lm.doctor.examine import examine_cloud
from vfio_lm.doctor.health import CloudHealth, Condition, HostHealth, KnowledgeSource, assess

__all__ = ["CloudHealth", "Condition", "HostHealth", "KnowledgeSource", "assess", "examine_cloud"]
