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

"""What ``vfio-lm-host match`` prints, and how it ends."""

import json
import pathlib

from tests.unit.compute.libvirt.devices import device
from tests.unit.compute.runs import CommandCase
from tests.unit.pci.test_host_facts import NOW
from vfio_lm.compute.domain.qemu_arguments import NAMESPACE
from vfio_lm.pci.host_facts import HostFacts

_DOMAIN = """\
<domain type='kvm'>
  <name>g1</name>
  <devices>{}</devices>
</domain>
"""
_HOSTDEV = """\
<hostdev mode='subsystem' type='pci' managed='no'>
  <source><address domain='0x0000' bus='0x81' slot='0x00' function='0x{}'/></source>
</hostdev>
"""


class TestMatchCommand(CommandCase):
    def setUp(self):
        super().setUp()
        self.domain = self.write("g1.xml", _DOMAIN.format(_HOSTDEV.format(1)))
        self.source = self.facts("host1", device("0000:81:00.1"), device("0000:81:00.2"))

    def write(self, name, text):
        return self.tree.write(name, text)

    def facts(self, host, *devices):
        return self.write(f"{host}.json", HostFacts(host, NOW, devices).to_json())

    def match(self, *devices, options=()):
        destination = self.facts("host2", *devices)
        return self.run_command(
            "match", "--source", self.source, "--destination", destination,
            "--domain", self.domain, *options,
        )  # fmt: skip

    def test_a_pair_is_printed_as_map_takes_it(self):
        self.assertEqual((0, "0000:81:00.1=0000:82:00.4\n", ""), self.match(device("0000:82:00.4")))

    def test_the_case_of_a_source_in_use_on_a_driver_with_constant_flags(self):
        case = pathlib.Path(__file__).parents[1] / "cases" / "source-in-use"
        status, out, err = self.run_command(
            "match", "--source", case / "src.json", "--destination", case / "dst.json",
            "--domain", case / "domain.xml",
        )  # fmt: skip
        self.assertEqual((0, "0000:60:00.1=0000:60:00.1\n", ""), (status, out, err))

    def test_none_fits_and_every_reason_is_told(self):
        status, out, err = self.match(
            device("0000:82:00.1", firmware="2"), device("0000:82:00.2", product_id="101c")
        )
        self.assertEqual((2, ""), (status, out))
        self.assertIn("0000:81:00.1: no device fits on host2", err)
        self.assertIn("0000:82:00.1: has firmware 2", err)
        self.assertIn("0000:82:00.2: is 15b3:101c", err)

    def test_a_device_in_an_argument_of_qemu_is_refused_not_left_out(self):
        xml = self.domain.read_text().replace("<domain", f"<domain xmlns:qemu='{NAMESPACE}'")
        argument = "<qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=0000:81:00.2'/>"
        self.domain.write_text(
            xml.replace("</domain>", f"<qemu:commandline>{argument}</qemu:commandline></domain>")
        )
        status, out, err = self.match(device("0000:82:00.4"), device("0000:82:00.5"))
        self.assertEqual((1, ""), (status, out))
        self.assertIn("passes 0000:81:00.2 to QEMU as an argument", err)

    def test_firmware_may_be_ignored(self):
        status, _, _ = self.match(
            device("0000:82:00.1", firmware="2"), options=["--ignore-firmware"]
        )
        self.assertEqual(0, status)

    def test_what_the_facts_lack_is_not_taken_for_none(self):
        facts = HostFacts("host2", NOW, unreadable={"0000:82:00.4": "it has vanished"})
        destination = self.write("host2.json", facts.to_json())
        options = ("--source", self.source, "--destination", destination, "--domain", self.domain)
        status, out, err = self.run_command("match", *options)
        self.assertEqual((3, ""), (status, out))
        self.assertIn("do not show every device: 0000:82:00.4: it has vanished", err)

    def test_unknown_is_not_taken_for_free(self):
        status, out, err = self.match(device("0000:82:00.1", unknown={"user": "not root"}))
        self.assertEqual((3, ""), (status, out))
        self.assertIn("it is unknown whether a device fits", err)

    def test_too_few_for_all(self):
        self.domain = self.write("g2.xml", _DOMAIN.format(_HOSTDEV.format(1) + _HOSTDEV.format(2)))
        status, _, err = self.match(device("0000:82:00.1"))
        self.assertEqual(2, status)
        self.assertIn("0000:81:00.1, 0000:81:00.2: only 1 free", err)

    def test_json_has_the_reasons_too(self):
        status, out, _ = self.match(device("0000:82:00.1", firmware="2"), options=["-f", "json"])
        result = json.loads(out)
        self.assertEqual((2, "none fits"), (status, result["result"]))
        self.assertEqual(["0000:82:00.1"], result["devices"][0]["refused"][0]["destinations"])
        _, out, _ = self.match(device("0000:82:00.1"), options=["-f", "json"])
        self.assertEqual({"0000:81:00.1": "0000:82:00.1"}, json.loads(out)["map"])

    def test_a_server_without_devices(self):
        self.domain = self.write("g0.xml", _DOMAIN.format(""))
        status, out, err = self.match()
        self.assertEqual((0, ""), (status, out))
        self.assertIn("nothing to map", err)

    def test_errors_name_what_was_wrong(self):
        self.domain = self.write("g9.xml", _DOMAIN.format(_HOSTDEV.format(7)))
        status, _, err = self.match()
        self.assertEqual(1, status)
        self.assertIn("host host1 has no device 0000:81:00.7", err)
        self.domain = pathlib.Path("absent.xml")
        self.assertIn("absent.xml: cannot be read", self.match()[2])
        same = self.refusal(
            "match", "--source", self.source, "--destination", self.source, "--domain", self.domain
        )
        self.assertIn("are both of host host1", same)
