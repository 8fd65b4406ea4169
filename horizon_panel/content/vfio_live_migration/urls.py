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

"""The addresses of the panel's pages; a further page has a package with ``urls`` of its own."""

from django.urls import include, path

from horizon_panel.content.vfio_live_migration import host_page, views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("hosts/<path:host>/", host_page.HostPageView.as_view(), name="host"),
    path("flavors/", include("horizon_panel.content.vfio_live_migration.flavor.urls")),
    path("drain/", include("horizon_panel.content.vfio_live_migration.drain.urls")),
    path(
        "servers/<slug:server_id>/",
        include("horizon_panel.content.vfio_live_migration.server.urls"),
    ),
]
