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

"""Configuration of the documentation's build."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "_ext"))

project = "openstack-vfio-lm"
copyright = "openstack-vfio-lm contributors"  # noqa: A001 - Sphinx's own name

autoprogram_cliff_application = "openstack"
# it would make a dash of the two hyphens of an option
smartquotes = False

extensions = [
    "cliff.sphinxext",
    "error_texts",
    "generated",
    "openstackdocstheme",
    "oslo_config.sphinxext",
    "reno.sphinxext",
    "sphinx.ext.autodoc",
]

html_theme = "openstackdocs"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_repo_name = "openstack-vfio-lm"
version = release = ""

# tox -e docs leaves them in doc/build/man
man_pages = [
    ("cli/openstack-vfio", "openstack-vfio", "live migration of VFIO devices in OpenStack", "", 1),
    ("cli/vfio-lm-host", "vfio-lm-host", "live migration of VFIO devices, on a host", "", 8),
    ("cli/vfio-lm-nova", "vfio-lm-nova", "what nova says about live migrations", "", 8),
    ("cli/vfio-placement-sync", "vfio-placement-sync", "keep traits in placement true", "", 8),
]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
