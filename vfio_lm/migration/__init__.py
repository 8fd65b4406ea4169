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

"""One live migration: begin it, watch it, verify it, and explain it if it failed; no preflight."""

from vfio_lm.error_texts import Certainty
from vfio_lm.migration.arrival import collect_arrival
from vfio_lm.migration.attempt import collect_attempt, find_migration
from vfio_lm.migration.causes import Cause
from vfio_lm.migration.explain import Attempt, Explanation, Result, explain
from vfio_lm.migration.follow import End, Follower, look
from vfio_lm.migration.gate import GateDecision, Mode, decide
from vfio_lm.migration.progress import Pace, Pacer
from vfio_lm.migration.verify import Arrival, ArrivalCheck, verify, worst

__all__ = [
    "Arrival",
    "ArrivalCheck",
    "Attempt",
    "Cause",
    "Certainty",
    "GateDecision",
    "End",
    "Explanation",
    "Follower",
    "Mode",
    "Pace",
    "Pacer",
    "Result",
    "collect_arrival",
    "collect_attempt",
    "decide",
    "explain",
    "find_migration",
    "look",
    "verify",
    "worst",
]
