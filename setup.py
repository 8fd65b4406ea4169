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

"""The hook by which setuptools lets pbr read setup.cfg, and a file of its own in site-packages."""

import pathlib

import setuptools
from setuptools.command import build_py

PTH = pathlib.Path("site-packages/vfio-lm-corrections.pth")


class BuildPy(build_py.build_py):
    """Lays the .pth file beside the packages, where each start of Python reads it.

    Neither setup.cfg nor pyproject.toml has a way to name such a file: data_files lie below the
    prefix, and package data within a package.
    """

    def run(self):
        """Build the packages, then add the file; an editable wheel takes it as it is, too."""
        super().run()
        self.copy_file(str(PTH), str(self._folder() / PTH.name))

    def get_outputs(self, *args, **kwargs):
        """Return what is installed."""
        outputs = super().get_outputs(*args, **kwargs)
        return outputs if self.editable_mode else [*outputs, str(self._folder() / PTH.name)]

    def _folder(self):
        # An editable wheel has nothing of build_lib.
        if self.editable_mode:
            return pathlib.Path(self.get_finalized_command("install").install_lib)
        return pathlib.Path(self.build_lib)


class Distribution(setuptools.Distribution):
    """Has the command whatever pbr makes of cmdclass, which it replaces."""

    def get_command_class(self, command):
        """Return the class of a command."""
        return BuildPy if command == "build_py" else super().get_command_class(command)


setuptools.setup(pbr=True, distclass=Distribution)
