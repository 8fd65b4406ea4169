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

"""Tests of everything; what they start can be interrupted, even if they run in the background."""

import signal
from types import FrameType


def _pass_over(number: int, frame: FrameType | None) -> None:
    """Ignore a signal; other than SIG_IGN this is not inherited by what is started."""


# A shell without job control ignores SIGINT for what runs in the background: nohup make test &
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, _pass_over)
