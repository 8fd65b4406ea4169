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

"""Commands about aliases run on files of a folder, as the shell would run them."""

import io
import json
import os
import pathlib
import tempfile
from unittest import mock

import testtools
from osc_lib import exceptions

VF = (
    '{"name": "vf", "vendor_id": "15b3", "product_id": "101e", "device_type": "type-VF", '
    '"live_migratable": "yes", "traits": "HW_PCI_LIVE_MIGRATABLE,blue"}'
)


class CommandTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        environment = mock.patch.dict(os.environ)
        environment.start()
        self.addCleanup(environment.stop)
        os.environ.pop("OS_VFIO_NOVA_CONF", None)

    def write(self, text, name="nova.conf"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run_command(self, command_class, *arguments):
        """Return exit status and output."""
        app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO())
        command = command_class(app, None)
        self.assertFalse(command.auth_required)
        status = command.run(command.get_parser("openstack").parse_args(arguments))
        self.said = app.stderr.getvalue()
        return status, app.stdout.getvalue()

    def json(self, command_class, *arguments):
        status, output = self.run_command(command_class, "-f", "json", *arguments)
        return status, json.loads(output)

    def refusal(self, command_class, *arguments):
        return str(
            self.assertRaises(exceptions.CommandError, self.run_command, command_class, *arguments)
        )
