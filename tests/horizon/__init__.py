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

"""Tests of the views with Horizon's own helpers, without a cloud.

Horizon's settings for tests are made for a process of their own: what they change for everybody
in it is put back here.
"""

import os
import socket

import horizon_panel.enabled

_timeout = socket.getdefaulttimeout()
os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.test.settings"
import openstack_dashboard.enabled  # noqa: E402

# As if the file were linked into the folder, before the settings look there.
openstack_dashboard.enabled.__path__ += horizon_panel.enabled.__path__
import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from openstack_dashboard.test.test_data import exceptions  # noqa: E402

# Django's runner of tests would name it; Horizon keeps nothing in it.
settings.DATABASES["default"]["NAME"] = ":memory:"
django.setup()
setup_test_environment()
socket.setdefaulttimeout(_timeout)
# It would give exceptions of the clients' libraries other constructors, for all tests to come.
exceptions.create_stubbed_exception = lambda cls, status_code=500: None
