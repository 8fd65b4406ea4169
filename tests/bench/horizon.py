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

"""How long the pages of the dashboard's panel take on a large cloud; asserts nothing.

A real placement holds the hosts with their devices, as many as asked for. Nova is real as well,
but has one host and no server: servers in these numbers are answered by a listener on loopback,
which hands every other question to nova. Horizon is real, and so is the log-in. The first page of
all makes the styles of Horizon and is not counted.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.settings import PASSWORD
from tests.dashboard import Dashboard
from tests.dashboard.dashboard import PANEL

TABS = ("overview", "devices", "aliases", "servers", "hosts")
ALIAS = "vf-lm"


class Proxy(ThreadingHTTPServer):
    """What stands before a service, counts its requests, and answers some of them itself.

    :param target: the address of the service, without a path
    :param servers: what nova would tell of its servers
    """

    daemon_threads = True

    def __init__(self, target: str, servers: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.body = json.dumps({"servers": servers}).encode()
        self.requests = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        self.server.requests += 1
        if "/servers/detail" in self.path:
            self._answer(200, "application/json", self.server.body)
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        asked = urllib.request.Request(self.server.target + self.path, headers=headers)
        try:
            with urllib.request.urlopen(asked) as answer:
                body = answer.read().replace(self.server.target.encode(), self.server.url.encode())
                self._answer(answer.status, answer.headers["Content-Type"], body)
        except urllib.error.HTTPError as exc:
            self._answer(exc.code, exc.headers["Content-Type"], exc.read())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Visitor:
    """A browser without a face."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path: str, data: dict[str, str] | None = None) -> str:
        body = urllib.parse.urlencode(data).encode() if data else None
        asked = urllib.request.Request(self._url + path, body, {"Referer": self._url})
        with self._opener.open(asked, timeout=600) as answer:
            text: str = answer.read().decode()
        return text

    def log_in(self) -> None:
        page = self.get("/auth/login/")
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken|region)"[^>]*value="([^"]*)"', page))
        self.get(
            "/auth/login/",
            fields | {"username": "admin", "password": PASSWORD, "next": "/auth/login/"},
        )


def servers_like(server: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return copies of a server with names and IDs of their own."""
    return [
        server | {"id": f"00000000-0000-4000-8000-{n:012}", "name": f"server{n:05}"}
        for n in range(count)
    ]


def example_server(cloud: Cloud) -> dict[str, Any]:
    """Boot a server with a device, and return it as nova shows it."""
    compute = cloud.connection().compute
    flavor = compute.create_flavor(name="vf", vcpus=1, ram=512, disk=1)
    compute.create_flavor_extra_specs(flavor, {"pci_passthrough:alias": f"{ALIAS}:1"})
    image = next(iter(cloud.connection().image.images()))
    server = compute.create_server(
        name="vf", flavor_id=flavor.id, image_id=image.id, networks="none"
    )
    compute.wait_for_server(server, interval=0.5)
    found = compute.get(
        "/servers/detail", params={"all_tenants": "true"}, microversion="2.100"
    ).json()["servers"]
    return dict(found[0])


def stand_before(cloud: Cloud, servers: Sequence[dict[str, Any]]) -> dict[str, Proxy]:
    """Put a proxy before nova and placement, in the catalogue of keystone."""
    identity = cloud.connection().identity
    proxies = {}
    for name, kind in (("nova", "compute"), ("placement", "placement")):
        parts = urllib.parse.urlsplit(cloud.urls[name])
        proxy = proxies[name] = Proxy(f"http://{parts.netloc}", servers)
        (service,) = identity.services(type=kind)
        for endpoint in identity.endpoints(service_id=service.id):
            identity.update_endpoint(endpoint, url=f"{proxy.url}{parts.path}")
    return proxies


def measure(cloud: Cloud, hosts: int, pfs: int, servers: int) -> None:
    """Fill the cloud and print the numbers."""
    # Before there are so many hosts that nova is not shown its own among the first thousand.
    example = example_server(cloud)
    cloud.fill_placement(hosts=hosts, pfs=pfs, vfs=8)
    proxies = stand_before(cloud, servers_like(example, servers))
    with Dashboard(cloud) as dashboard:
        visitor = Visitor(dashboard.url)
        visitor.log_in()
        visitor.get(PANEL)
        print(f"{hosts + 1:,} hosts with {pfs} devices each, {servers:,} servers")
        for tab in TABS:
            for proxy in proxies.values():
                proxy.requests = 0
            start = time.perf_counter()
            page = visitor.get(f"{PANEL}?tab=vfio_live_migration__{tab}")
            seconds = time.perf_counter() - start
            if "vfio-gap" in page:
                raise RuntimeError(f"the tab {tab} does not show all")
            asked = ", ".join(f"{name} {proxy.requests:3}" for name, proxy in proxies.items())
            print(f"  {tab:<10} {seconds:6.2f} s {len(page) / 1024:6.0f} KiB  requests: {asked}")


def main(arguments: Sequence[str]) -> None:
    """Start a cloud with a dashboard, measure, and take them down."""
    parser = argparse.ArgumentParser(prog="horizon", description="Measure the dashboard's panel.")
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--pfs", type=int, default=4, help="PCI providers of each host")
    parser.add_argument("--servers", type=int, default=1000)
    options = parser.parse_args(arguments)
    with Cloud(CloudSpec(hosts=(HostSpec("compute1"),))) as cloud:
        measure(cloud, options.hosts, options.pfs, options.servers)
