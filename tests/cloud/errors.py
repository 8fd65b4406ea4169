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

"""The one exception of the embedded cloud; not how any particular fault is found."""

from __future__ import annotations


class CloudError(Exception):
    """The embedded cloud could not do what it was asked.

    The message names the service or host, and ends with the end of its log where
    there is one.
    """
