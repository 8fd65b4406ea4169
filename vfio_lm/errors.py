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

"""Every error that a user of this project is meant to read, and nothing else.

A face (command, agent, dashboard) catches :class:`VfioLmError` and shows its text as it is:
the text names what was wrong, where, and the way out, and holds no secret.
"""

from __future__ import annotations

from vfio_lm.quoting import quoted, without_credentials


class VfioLmError(Exception):
    """Base of all errors of this project; its text is written for the operator."""

    def __init__(self, text: str = "") -> None:
        super().__init__(without_credentials(text))


class OptionError(VfioLmError):
    """Nova would refuse this value of an option; where it was written is not known here.

    :param value: the value as it was written
    :param reason: what nova objects to
    """

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(": ".join(filter(None, (quoted(value), reason))))
        self.value = value
        self.reason = reason


class ConfigError(VfioLmError):
    """A nova.conf that cannot be read, or that nova itself would refuse.

    :param location: the file, or what else the value came from
    :param option: the option as nova names it, for example ``[pci]alias``; empty where the
        whole file is meant
    :param value: the offending value as it was written; empty where there is none. One that may
        be a secret is not kept.
    :param reason: what is wrong with it and how to mend it
    """

    def __init__(self, location: str, option: str, value: str, reason: str) -> None:
        shown = quoted(value)
        super().__init__(": ".join([*filter(None, (location, option, shown)), reason]))
        self.location = location
        self.option = option
        self.value = shown
        self.reason = reason


class CloudError(VfioLmError):
    """The cloud did not answer a question that cannot be done without."""


class NotFoundError(CloudError):
    """What the user named does not exist, or is not visible with the user's roles."""


class ForbiddenError(CloudError):
    """The user's roles do not allow a question that cannot be done without."""
