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

"""The DevStack plugin writes files that nova, and our own readers, understand.

DevStack is not here: its functions are stand-ins that note how they are called, and write options
as DevStack's do.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
from unittest import mock

import testtools

from vfio_lm.inside_nova import switch
from vfio_lm.inside_nova.corrections import NAMES
from vfio_lm.pci import LiveMigratable, read_nova_conf

_TOP = pathlib.Path(__file__).parents[3]
_PLUGIN = _TOP / "devstack" / "plugin.sh"

_DEVSTACK = r"""
set -eu
function trueorfalse {
    local given=${!2:-$1}
    if [[ "${given,,}" =~ ^(1|yes|true)$ ]]; then echo True; else echo False; fi
}
function enable_service { ENABLED_SERVICES+=",$1"; }
function is_service_enabled { [[ ",$ENABLED_SERVICES," == *",$1,"* ]]; }
function iniset { printf '[%s]\n%s = %s\n' "$2" "$3" "$4" >> "$1"; }
function iniset_multiline {
    local file=$1 section=$2 option=$3; shift 3
    local value; for value in "$@"; do iniset "$file" "$section" "$option" "$value"; done
}
function get_python_exec_prefix { echo "$DEST/bin"; }
function sudo { "$@"; }
for each in setup_develop create_service_user configure_keystoneauth run_process stop_process; do
    eval "function $each { echo \"$each \$*\" >> \"$DEST/calls\"; }"
done
STACK_USER=$(id -un) NOVA_CONF_DIR=$DEST/etc/nova HORIZON_DIR=$DEST/horizon
NOVA_CONF=$NOVA_CONF_DIR/nova.conf NOVA_CPU_CONF=$NOVA_CONF_DIR/nova-cpu.conf
VFIO_LM_CONF=$DEST/etc/agent/agent.conf
source "$VFIO_LM_DIR/devstack/settings"
source "$VFIO_LM_DIR/devstack/plugin.sh" "$@"
"""

_SPECS = """
{"vendor_id": "15b3", "product_id": "101e", "live_migratable": "yes"}
{"vendor_id": "8086", "product_id": "1889", "live_migratable": "no"}
"""
_ALIAS = '{"name": "a", "vendor_id": "15b3", "product_id": "101e", "device_type": "type-VF"}'


class TestPlugin(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dest = pathlib.Path(folder.name)
        self.local = self.dest / "horizon/openstack_dashboard/local"
        for each in ("etc/nova", "bin", self.local / "enabled", self.local / "local_settings.d"):
            (self.dest / each).mkdir(parents=True)
        self.nova_conf = self.dest / "etc/nova/nova.conf"
        self.nova_conf.touch()

    def phase(self, *words, services="key,nova,n-cpu,horizon", **variables):
        """Let DevStack source the plugin; return what is printed."""
        known = {"PATH": os.environ["PATH"], "DEST": str(self.dest), "VFIO_LM_DIR": str(_TOP)}
        done = subprocess.run(
            ["bash", "-c", _DEVSTACK, "stack.sh", *words],
            env=known | {"ENABLED_SERVICES": services} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual("", done.stderr)
        return done.stdout

    def calls(self):
        return (self.dest / "calls").read_text().splitlines()

    def test_bash_takes_both_files(self):
        for name in ("plugin.sh", "settings"):
            subprocess.run(["bash", "-n", _PLUGIN.with_name(name)], check=True)

    def test_the_extras_are_those_of_the_services(self):
        self.phase("stack", "install")
        self.phase("stack", "install", services="horizon")
        wanted = [f"setup_develop {_TOP} compute,sync", f"setup_develop {_TOP} sync"]
        self.assertEqual(wanted, self.calls())

    def test_nova_gets_device_specs_and_aliases(self):
        self.phase("stack", "post-config", VFIO_LM_DEVICE_SPECS=_SPECS, VFIO_LM_ALIASES=_ALIAS)
        conf = read_nova_conf([self.nova_conf])
        kinds = [each.live_migratable for each in conf.device_specs]
        self.assertEqual([LiveMigratable.YES, LiveMigratable.NO], kinds)
        self.assertEqual(["a"], list(conf.aliases))
        self.assertFalse(conf.pci_in_placement)
        self.assertIn("live_migration_permit_post_copy = False", self.nova_conf.read_text())

    def test_nova_reports_in_placement_only_where_that_is_wanted_and_it_says_so(self):
        self.assertEqual("", self.phase("stack", "post-config"))
        self.assertNotIn("report_in_placement", self.nova_conf.read_text())
        said = self.phase("stack", "post-config", VFIO_LM_REPORT_IN_PLACEMENT="yes")
        self.assertIn("this cannot be turned off", said)
        self.assertTrue(read_nova_conf([self.nova_conf]).pci_in_placement)

    def test_nova_compute_is_corrected(self):
        self.phase("stack", "post-config")
        with mock.patch.object(switch, "PATH", str(self.dest / "etc/nova/vfio-lm.conf")):
            self.assertEqual(NAMES, switch.wanted())

    def test_the_agent_gets_a_user_and_its_configuration(self):
        self.phase("stack", "post-config")
        conf = self.dest / "etc/agent/agent.conf"
        self.assertEqual(0o640, conf.stat().st_mode & 0o777)
        self.assertIn("create_service_user vfio-placement-sync admin", self.calls())
        self.assertIn(f"configure_keystoneauth {conf} vfio-placement-sync placement", self.calls())
        self.assertIn(f"nova_conf = {self.nova_conf.with_name('nova-cpu.conf')}", conf.read_text())

    def test_the_panel_is_enabled_and_removed(self):
        self.phase("stack", "post-config")
        links = sorted(each for each in self.local.rglob("*") if each.is_symlink())
        self.assertEqual(["enabled", "local_settings.d"], [each.parent.name for each in links])
        self.assertTrue(all(each.is_file() for each in links), links)
        self.phase("clean")
        self.assertEqual([], [each for each in self.local.rglob("*") if not each.is_dir()])
        self.assertEqual([self.nova_conf], list(self.nova_conf.parent.iterdir()))

    def test_guard_and_agent_start_and_stop(self):
        helper = self.dest / "bin/vfio-lm-host"
        helper.write_text('#!/bin/sh\necho "vfio-lm-host $*" >> "$(dirname "$0")/../calls"\n')
        shutil.copymode(shutil.which("sh"), helper)
        self.phase("stack", "extra")
        self.phase("stack", "extra", VFIO_LM_GUARD="False")
        self.phase("unstack")
        self.phase("clean")
        agent = (
            f"run_process vfio-sync {self.dest}/bin/vfio-placement-sync "
            f"--config-file {self.dest}/etc/agent/agent.conf"
        )
        hook = "vfio-lm-host hook"
        wanted = [f"{hook} install", agent, agent, "stop_process vfio-sync", f"{hook} uninstall"]
        self.assertEqual(wanted, self.calls())

    def test_other_phases_do_nothing(self):
        for phase in ("pre-install", "test-config"):
            self.assertEqual("", self.phase("stack", phase))
        self.assertFalse((self.dest / "calls").exists())
