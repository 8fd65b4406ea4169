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

"""The entry point of the ``openstack`` command; it adds commands, and no client of its own.

The commands use the SDK connection that the ``openstack`` command has anyhow. Nothing heavy is
imported here, nor by the command modules at import: ``openstack --help`` loads them all.
"""

import argparse
from typing import Any

API_NAME = "vfio"
API_VERSION_OPTION = "os_vfio_api_version"
API_VERSIONS = {"1": "osc_vfio_lm.plugin"}
DEFAULT_API_VERSION = "1"


def make_client(instance: Any) -> None:
    """Return nothing: there is no service behind these commands."""


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add no global option."""
    return parser
