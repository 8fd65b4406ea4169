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

"""Passwords in what libraries log: keystoneauth quotes the address of keystone as it is written."""

from __future__ import annotations

import logging

from vfio_lm.quoting import without_credentials


class CredentialsFilter(logging.Filter):
    """Takes users and passwords of URLs out of messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the message; none is left out."""
        record.msg, record.args = without_credentials(record.getMessage()), ()
        return True


def hide_credentials() -> None:
    """Let nothing that is logged from now on hold such a password."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(CredentialsFilter())
