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

"""The tabs Overview, Aliases & Flavors, Servers and Hosts, and the page of a host."""

from __future__ import annotations

import dataclasses
import html
from unittest import mock

from django.test.utils import override_settings
from django.urls import reverse

from horizon_panel import server_api
from tests.horizon.base import INDEX, PanelTestCase, fleet
from tests.unit.inventory import cloud
from vfio_lm.errors import CloudError, ConfigError
from vfio_lm.inventory import AliasUsage, PciServer
from vfio_lm.inventory.flavor import alias_use, pci_flavors
from vfio_lm.inventory.host import hosts
from vfio_lm.pci import NovaConf
from vfio_lm.preflight import Verdict

CONF = NovaConf(sources=("nova.conf",), aliases=cloud.ALIASES, pci_in_placement=True)
MARKUP = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
DOWN = CloudError("placement cannot be reached")


def pci_server(name: str, aliases: str = "yes:1", **changes: object) -> PciServer:
    """Return a server as nova alone knows it."""
    flavor = cloud.flavor(f"flavor-{name}", aliases)
    return PciServer(
        server=cloud.server(name, flavor, **changes),
        use=alias_use(flavor.flavor.extra_specs, cloud.ALIASES),
    )


class OverviewTest(PanelTestCase):
    def test_every_host_is_a_link_with_its_units_for_eye_and_ear(self) -> None:
        self.answer(hosts=fleet(cloud.device("compute1", used=3), names=("bare",)))
        response = self.page("overview")
        url = reverse("horizon:admin:vfio_live_migration:host", args=["compute1"])
        self.assert_says(response, f'href="{url}"', "3/4 ✓", "3 of 4 units used", "No devices")
        self.assertNotIn(b"style=", response.content.split(b"vfio-hosts", 1)[1].split(b"</ul>")[0])

    def test_all_hosts_count_and_a_page_of_them_is_drawn(self) -> None:
        self.answer(hosts=fleet(*(cloud.device(f"compute{n:03}") for n in range(200))))
        response = self.page("overview", {"overview_page": "5"})
        self.assertEqual(200, response.context["totals"].hosts)
        self.assertEqual(
            [f"compute{n}" for n in range(192, 200)],
            [card.host.name for card in response.context["cards"]],
        )
        self.assert_says(response, "?tab=vfio_live_migration__overview&amp;overview_page=4")

    def test_a_page_that_has_no_number_is_the_first(self) -> None:
        self.answer(hosts=fleet(*(cloud.device(f"compute{n:03}") for n in range(200))))
        for wanted in ("-1", "x", "²", "9" * 5000):
            response = self.page("overview", {"overview_page": wanted})
            self.assertEqual("compute000", response.context["cards"][0].host.name)

    def test_hosts_are_there_when_placement_is_not_and_nothing_is_summed_up(self) -> None:
        self.answer(hosts=hosts({"compute1": cloud.service("compute1")}, {}, None), gaps=(DOWN,))
        response = self.page("overview")
        self.assert_says(response, str(DOWN), "compute1", "Devices unknown")
        self.assertNotIn("Units free", response.content.decode())


class AliasesTest(PanelTestCase):
    @override_settings(VFIO_LM_NOVA_CONF="nova.conf")
    def test_an_alias_has_its_meaning_and_who_uses_it(self) -> None:
        flavor = cloud.flavor("small", "yes:2")
        self.answer(
            nova_conf=CONF,
            uses=(
                pci_flavors([flavor], [cloud.server("a", flavor)], cloud.ALIASES),
                {"yes": AliasUsage(("small",), ("id-a",)), "gone": AliasUsage((), ("id-b",))},
            ),
        )
        response = self.page("aliases")
        rows = {row[0]: row[1:] for row in self.rows(response, "aliases")}
        self.assertEqual(["type-VF", "8086:1515", "Yes", "-", "small", "1"], rows["yes"][:6])
        self.assertEqual(["-", "-", "Unknown", "-", "-", "1"], rows["gone"][:6])
        self.assertIn("Create Flavor", rows["yes"][6])
        self.assertEqual("", rows["gone"][6].strip())
        self.assertEqual("No", rows["no"][2])
        self.assertEqual(
            [["small", "yes × 2", "Yes", "Yes", "1", "0"]], self.rows(response, "flavors")
        )

    def test_without_nova_conf_the_page_says_what_is_unknown_and_how_to_set_it(self) -> None:
        flavor = cloud.flavor("small", "yes:2")
        self.answer(uses=(pci_flavors([flavor], [], None), {"yes": AliasUsage(("small",))}))
        response = self.page("aliases")
        self.assert_says(response, "VFIO_LM_NOVA_CONF", "is unknown")
        self.assertEqual("Unknown", self.rows(response, "aliases")[0][3])
        self.assertEqual("Alias unknown", self.rows(response, "flavors")[0][2])

    @override_settings(VFIO_LM_NOVA_CONF="nova.conf")
    def test_a_nova_conf_that_cannot_be_read_is_named_and_the_rest_is_shown(self) -> None:
        flavor = cloud.flavor("small", "yes:2")
        self.answer(
            nova_conf=ConfigError("nova.conf", "", "", "cannot be read"),
            uses=(pci_flavors([flavor], [], None), {}),
        )
        response = self.page("aliases")
        self.assert_says(response, "nova.conf: cannot be read", "small")
        self.assertNotIn("is unknown, and with it", response.content.decode())


class ServersTest(PanelTestCase):
    def test_only_the_servers_of_the_page_are_looked_at(self) -> None:
        servers = tuple(pci_server(f"server{n:02}") for n in range(45))
        looked_at = []

        def look(request, found, on_gap):
            looked_at.extend(item.server.name for item in found)
            return tuple(dataclasses.replace(item, devices=()) for item in found)

        self.answer(nova_conf=CONF, servers=servers, look_at_servers=look)
        rows = self.rows(self.page("servers", {"servers_page": "3"}), "servers")
        self.assertEqual([f"server{n}" for n in range(40, 45)], looked_at)
        self.assertEqual(
            ["server40", "Active", "compute1", "-", "flavor-server40", "Yes", "Check"],
            rows[0],
        )

    def verdicts(self, **changes: object) -> mock.Mock:
        patch = mock.patch.object(server_api, "verdicts", autospec=True, **changes)
        self.addCleanup(patch.stop)
        return patch.start()

    def test_the_servers_of_the_page_are_checked_when_that_is_asked_for(self) -> None:
        servers = tuple(pci_server(f"server{n:02}") for n in range(25))
        self.answer(nova_conf=CONF, servers=servers, look_at_servers=lambda _, found, __: found)
        ready = {f"id-server{n}": Verdict.READY for n in range(20, 24)}
        verdicts = self.verdicts(return_value=ready)
        page = self.page("servers", {"servers_page": "2"})
        self.assertEqual({"Check"}, {row[-1] for row in self.rows(page, "servers")})
        verdicts.assert_not_called()
        address = "?tab=vfio_live_migration__servers&servers_page=2&check=on"
        self.assert_says(page, html.escape(address))
        page = self.client.get(reverse(INDEX) + address)
        said = [row[-1] for row in self.rows(page, "servers")]
        self.assertEqual(["Ready"] * 4 + ["Check"], said)
        asked = [server.name for server in verdicts.call_args.args[1]]
        self.assertEqual([f"server{n}" for n in range(20, 25)], asked)

    def test_why_servers_cannot_be_checked_is_said(self) -> None:
        servers = (pci_server("a"),)
        self.answer(nova_conf=CONF, servers=servers, look_at_servers=servers)
        self.verdicts(side_effect=ConfigError("host.conf", "", "", "cannot be read"))
        page = self.page("servers", {"check": "on"})
        self.assert_says(page, "host.conf: cannot be read")
        self.assertEqual("Check", self.rows(page, "servers")[0][-1])

    def test_servers_are_there_when_placement_is_not(self) -> None:
        servers = (pci_server("a"),)
        self.answer(nova_conf=CONF, servers=servers, look_at_servers=servers, gaps=(DOWN,))
        response = self.page("servers")
        self.assert_says(response, str(DOWN))
        self.assertEqual("-", self.rows(response, "servers")[0][3])

    def test_nova_that_does_not_answer_is_said(self) -> None:
        self.answer(nova_conf=CONF, servers=CloudError("nova cannot be reached"))
        self.assert_says(self.page("servers"), "nova cannot be reached", "Not known.")


class HostsTest(PanelTestCase):
    def test_what_placement_does_not_tell_is_not_shown_as_nothing(self) -> None:
        self.answer(hosts=hosts({"compute1": cloud.service("compute1")}, {}, None), gaps=(DOWN,))
        self.assertEqual(
            [["compute1", "-", "Up", "-", "-", "-", "-", "Unknown", "-"]],
            self.rows(self.page("hosts"), "hosts"),
        )

    def test_a_service_that_is_down_or_disabled_is_named(self) -> None:
        services = {
            "a": cloud.service("a", is_up=False),
            "b": cloud.service("b", is_enabled=False),
        }
        self.answer(hosts=hosts(services, {}, ()))
        rows = self.rows(self.page("hosts"), "hosts")
        self.assertEqual(["Down", "Disabled"], [row[2] for row in rows])


class HostPageTest(PanelTestCase):
    def get(self, host: str):
        return self.client.get(reverse("horizon:admin:vfio_live_migration:host", args=[host]))

    def test_it_has_the_devices_of_the_host_and_its_servers(self) -> None:
        servers = (pci_server("a"),)
        self.answer(
            hosts=fleet(cloud.device("compute1"), cloud.device("compute2")),
            nova_conf=CONF,
            servers=servers,
            look_at_servers=servers,
        )
        response = self.get("compute1")
        self.assertEqual(1, len(self.rows(response, "devices")))
        self.assertEqual("a", self.rows(response, "servers")[0][0])

    def test_a_host_that_nobody_knows_is_not_found(self) -> None:
        self.answer(hosts=fleet(cloud.device("compute1")))
        self.assertEqual(404, self.get("missing").status_code)

    def test_a_host_that_may_be_there_is_a_page_that_says_what_is_not_known(self) -> None:
        down = CloudError("nova cannot be reached")
        self.answer(hosts=(), gaps=(down,), nova_conf=CONF, servers=down)
        self.assert_says(self.get("compute1"), "nova cannot be reached", "Not known.")


class MarkupTest(PanelTestCase):
    """What users of a cloud choose as a name is text, whatever it looks like."""

    def assert_no_markup(self, response) -> None:
        page = response.content.decode()
        self.assertNotIn(MARKUP, page)
        self.assertIn(ESCAPED, page)

    def test_names_of_servers_flavors_and_aliases(self) -> None:
        aliases = f"{MARKUP}:1"
        flavor = dataclasses.replace(cloud.flavor(MARKUP, aliases), id="1")
        servers = (
            dataclasses.replace(pci_server("a"), server=cloud.server(MARKUP, flavor, id="id-a")),
        )
        usage = {MARKUP: AliasUsage((MARKUP,), ("id-a",))}
        self.answer(
            nova_conf=None,
            servers=servers,
            look_at_servers=servers,
            uses=(pci_flavors([flavor], [], None), usage),
        )
        self.assert_no_markup(self.page("servers"))
        self.assert_no_markup(self.page("aliases"))

    def test_names_of_hosts(self) -> None:
        self.answer(hosts=hosts({MARKUP: cloud.service(MARKUP)}, {}, ()))
        self.assert_no_markup(self.page("overview"))
        self.assert_no_markup(self.page("hosts"))

    def test_what_services_say(self) -> None:
        self.answer(hosts=(), gaps=(CloudError(MARKUP),))
        self.assert_no_markup(self.page("devices"))

    def test_the_text_of_a_filter(self) -> None:
        self.answer(hosts=fleet(cloud.device("compute1")))
        self.assert_no_markup(self.page("hosts", {"hosts_q": MARKUP}))
