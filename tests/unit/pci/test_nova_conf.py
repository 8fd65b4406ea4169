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

"""nova.conf files are read with oslo.config's rules, and refused with a sentence."""

import os
import pathlib
import tempfile
from unittest import mock

import testtools

from vfio_lm.errors import ConfigError
from vfio_lm.pci import default_nova_conf_paths, read_nova_conf

_ALIAS = '{"vendor_id": "8086", "product_id": "1515", "name": "%s"}'


class TestReadNovaConf(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, text, name="nova.conf"):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def refusal(self, *paths):
        return str(self.assertRaises(ConfigError, read_nova_conf, paths))

    def test_aliases_of_one_file(self):
        path = self.write(f"[pci]\nalias = {_ALIAS % 'vf'}\nalias = {_ALIAS % 'nic'}\n")
        self.assertEqual(["vf", "nic"], list(read_nova_conf([path]).aliases))

    def test_old_name_of_the_option(self):
        path = self.write(f"[DEFAULT]\npci_alias = {_ALIAS % 'vf'}\n")
        self.assertEqual(["vf"], list(read_nova_conf([path]).aliases))

    def test_a_later_file_overrides_the_scheduler_option(self):
        first = self.write("[filter_scheduler]\npci_in_placement = false\n")
        second = self.write("[filter_scheduler]\npci_in_placement = true\n", "scheduler.conf")
        self.assertIs(True, read_nova_conf([first, second]).pci_in_placement)
        self.assertIs(False, read_nova_conf([second, first]).pci_in_placement)

    def test_an_absent_scheduler_option_stays_unknown(self):
        self.assertIsNone(read_nova_conf([self.write("[pci]\n")]).pci_in_placement)

    def test_a_folder_is_read_as_a_configuration_folder(self):
        self.write(f"[pci]\nalias = {_ALIAS % 'vf'}\n", "nova.conf.d/10-pci.conf")
        conf = read_nova_conf([self.folder / "nova.conf.d"])
        self.assertEqual(["vf"], list(conf.aliases))

    def test_the_file_with_the_wrong_alias_is_named(self):
        good = self.write(f"[pci]\nalias = {_ALIAS % 'vf'}\n", "good.conf")
        bad = self.write('[pci]\nalias = {"name": "vf", "dev_type": "type-VF"}\n', "bad.conf")
        said = self.refusal(good, bad)
        self.assertTrue(said.startswith(f"{bad}:2: [pci]alias: "), said)
        self.assertIn("dev_type", said)

    def test_a_missing_file(self):
        path = str(self.folder / "absent.conf")
        self.assertEqual(f"{path}: cannot be read: No such file or directory", self.refusal(path))

    def test_a_file_that_cannot_be_opened(self):
        path = self.folder / "loop.conf"
        path.symlink_to(path)
        self.assertEqual(
            f"{path}: cannot be read: Too many levels of symbolic links", self.refusal(str(path))
        )

    def test_a_pipe_or_a_file_without_an_end_is_not_waited_for(self):
        folder = self.folder / "nova.conf.d"
        folder.mkdir()
        fifo = folder / "10.conf"
        os.mkfifo(fifo)
        for path in (fifo, folder):
            self.assertEqual(f"{fifo}: is a pipe, not a regular file", self.refusal(str(path)))
        self.assertEqual("/dev/zero: is a device, not a regular file", self.refusal("/dev/zero"))
        huge = self.folder / "huge.conf"
        with huge.open("wb") as sparse:
            sparse.truncate(1 << 40)
        self.assertIn("huge.conf: exceeds 16 MiB", self.refusal(str(huge)))

    def test_a_file_that_is_no_configuration(self):
        path = self.write("export OS_CLOUD=mycloud\n")
        said = self.refusal(path)
        self.assertTrue(said.startswith(f"{path}: not a configuration file: "), said)

    def test_a_line_that_is_no_assignment_is_named_and_not_quoted(self):
        path = self.write("[DEFAULT]\nhost = a\nmellon\n")
        said = self.refusal(path)
        self.assertTrue(said.startswith(f"{path}: not a configuration file: line 3: "), said)
        # it may be a password that lost its option
        self.assertNotIn("mellon", said)

    def test_a_file_that_is_no_text(self):
        path = self.folder / "nova.conf"
        path.write_bytes(b"\x7fELF\xff\xfe")
        self.assertIn("nova.conf: not a", self.refusal(str(path)))

    def test_an_option_that_is_no_boolean(self):
        path = self.write("[filter_scheduler]\npci_in_placement = perhaps\n")
        said = self.refusal(path)
        self.assertIn("pci_in_placement", said)
        self.assertIn("perhaps", said)

    def test_a_wrong_device_spec_is_refused_with_its_file(self):
        path = self.write('[pci]\npassthrough_whitelist = {"vendor_id": 5}\n')
        said = self.refusal(path)
        self.assertEqual(
            f'{path}:2: [pci]device_spec: {{"vendor_id": 5}}: vendor_id is not a text', said
        )

    def test_what_the_files_do_not_say_is_none(self):
        conf = read_nova_conf([self.write("[DEFAULT]\ndebug = true\n")])
        self.assertIsNone(conf.device_specs)
        self.assertIsNone(conf.report_in_placement)
        self.assertIsNone(conf.host)
        self.assertIsNone(conf.permit_post_copy)
        self.assertIsNone(conf.downtime_ms)

    def test_the_configuration_of_a_compute_host(self):
        path = self.write(
            "[DEFAULT]\nhost = compute1\n"
            '[pci]\ndevice_spec = [{"product_id": "1515"}, {"one_time_use": "yes"}]\n'
            "report_in_placement = true\n"
            "[libvirt]\nlive_migration_permit_post_copy = true\nlive_migration_downtime = 2000\n"
        )
        conf = read_nova_conf([path])
        self.assertEqual(["1515", None], [spec.product_id for spec in conf.device_specs])
        self.assertEqual("compute1", conf.host)
        self.assertIs(True, conf.report_in_placement)
        self.assertIs(True, conf.permit_post_copy)
        self.assertEqual(2000, conf.downtime_ms)

    def test_a_downtime_that_nova_would_refuse(self):
        said = self.refusal(self.write("[libvirt]\nlive_migration_downtime = 99\n"))
        self.assertIn("live_migration_downtime", said)
        self.assertIn("greater than or equal to 100", said)

    def test_a_host_that_only_nova_can_work_out_stays_unknown(self):
        self.assertIsNone(read_nova_conf([self.write("[DEFAULT]\nhost = $my_ip\n")]).host)

    def test_an_alias_with_an_unknown_variable_is_refused_with_a_sentence(self):
        self.assertIn("no such option nics", self.refusal(self.write("[pci]\nalias = $nics\n")))


class TestDefaultNovaConfPaths(testtools.TestCase):
    def test_the_environment_names_several(self):
        text = os.pathsep.join(["/a/nova.conf", "", "/b"])
        self.assertEqual(
            ("/a/nova.conf", "/b"), default_nova_conf_paths({"OS_VFIO_NOVA_CONF": text})
        )

    def test_without_it_the_usual_file_is_taken_only_if_it_can_be_read(self):
        with mock.patch("os.access", return_value=True):
            self.assertEqual(("/etc/nova/nova.conf",), default_nova_conf_paths({}))
        with mock.patch("os.access", return_value=False):
            self.assertEqual((), default_nova_conf_paths({}))
