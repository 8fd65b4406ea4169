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

"""The one image that every cloud has; not the service that keeps it."""

from __future__ import annotations

from tests.cloud.rest import Rest

IMAGE_NAME = "cirros"

#: it is never booted: the hypervisors are fakes
IMAGE_CONTENT = b"\0" * 512


def upload(rest: Rest) -> None:
    """Put the image into glance, for everybody."""
    image = rest.call(
        "POST",
        "glance",
        "/v2/images",
        {
            "name": IMAGE_NAME,
            "container_format": "bare",
            "disk_format": "raw",
            "visibility": "public",
        },
    )
    rest.call("PUT", "glance", f"/v2/images/{image['id']}/file", IMAGE_CONTENT)
