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

"""Broken nova.conf files, each with a password where nova has none; what becomes of it is asked
elsewhere."""

from __future__ import annotations

import json
import re

CANARY = "k4n4ry"

#: What is left of it, perhaps in part.
_TRACES = re.compile("k4n|n4ry", re.IGNORECASE)

_URL = f"rabbit://nova:{CANARY}@rabbit:5672/"
_DATABASE = f"mysql+pymysql://nova:{CANARY}@127.0.0.1:1/nova"
_ALIAS = json.dumps(
    {"name": "vf", "vendor_id": "8086", "product_id": "1515", "device_type": "type-VF"}
)
_SPEC = json.dumps({"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"})

#: What nova would take, and none of which but [pci] and [libvirt] may be shown.
SOUND = f"""\
[DEFAULT]
host = compute1
transport_url = {_URL}
[api_database]
connection = {_DATABASE}
[filter_scheduler]
pci_in_placement = true
[libvirt]
live_migration_downtime = 500
live_migration_uri = qemu+tcp://root:{CANARY}@%s/system
[pci]
report_in_placement = true
alias = {_ALIAS}
device_spec = {_SPEC}
[placement]
auth_type = password
auth_url = http://127.0.0.1:1/v3
username = nova
password = {CANARY}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
[neutron]
metadata_proxy_shared_secret = {CANARY}
"""


def _below(line: str, *more: str) -> str:
    """Return the sound file with lines below the one that begins so."""
    found = [each for each in SOUND.splitlines() if each.startswith(line)]
    assert len(found) == 1, line
    return SOUND.replace(found[0], "\n".join([found[0], *more]))


def _instead(line: str, *others: str) -> str:
    found = [each for each in SOUND.splitlines() if each.startswith(line)]
    assert len(found) == 1, line
    return SOUND.replace(found[0], "\n".join(others))


#: By what is wrong with each.
BROKEN: dict[str, str | bytes] = {
    "a section header is commented out below [pci]": _instead("[placement]", "# [placement]"),
    "a section header is commented out below [libvirt]": _instead("[pci]", "#[pci]"),
    "the header of a database is commented out": _below(
        "device_spec", "# [database]", f"connection = {_DATABASE}"
    ),
    "a section header has no end": _instead("[placement]", "[placement"),
    "a section has no name": _instead("[placement]", "[]"),
    "a section is named by a URL": _instead("[placement]", f"[{_DATABASE}]"),
    "a stray URL": _below("device_spec", _URL),
    "a stray password": _below("device_spec", CANARY),
    "a stray password that looks like an option": _below("device_spec", f"{CANARY}=="),
    "markers of a merge": _below(
        "device_spec", "<<<<<<< HEAD", f"transport_url = {_URL}", "=======",
        f"transport_url = rabbit://n:{CANARY}2@r", ">>>>>>> branch",
    ),
    "a marker of a merge alone": _below("device_spec", "=======", f"password: {CANARY}"),
    "a password for TLS": _below("live_migration_d", f"live_migration_tls_password = {CANARY}"),
    "an indented URL below an alias": _below("alias", f"  transport_url = {_URL}"),
    "an indented password below a device_spec": _below("device_spec", f"\tpassword = {CANARY}"),
    "an indented value below a device_spec": _below("device_spec", f"  {CANARY}"),
    "an indented database below a number": _below("live_migration_d", f" connection = {_DATABASE}"),
    "an indented password below a boolean": _below("report_in", f" password = {CANARY}"),
    "an indented password below another boolean": _below("pci_in", f" password: {CANARY}"),
    "an indented URL below the host": _below("host", f"  transport_url = {_URL}"),
    "an indented password below the URL of keystone": _below("auth_url", f"  password = {CANARY}"),
    "an indented password below auth_type": _below("auth_type", f"  password = {CANARY}"),
    "an indented password below the region": _below("region_name", f"  password = {CANARY}"),
    "a password in the URL of keystone": _instead(
        "auth_url", f"auth_url = http://nova:{CANARY}@127.0.0.1:1/v3"
    ),
    "all is indented": SOUND.replace("\n", "\n  "),
    "two lines are one": _instead("alias", f"alias = {_ALIAS} transport_url = {_URL}"),
    "two lines are one, with a password": _instead(
        "device_spec", f"device_spec = {_SPEC} password = {CANARY}"
    ),
    "an alias without its end": _instead("alias", 'alias = {"name": "vf",', f"  {CANARY}"),
    "a password with a dollar sign": _below("device_spec", "  password = k4$n4ry"),
    "an alias with a password": _instead(
        "alias", f'alias = {{"name": "vf", "password": "{CANARY}"}}'
    ),
    "a device_spec with a URL": _instead(
        "device_spec", f'device_spec = {{"address": "{_URL}", "vendor_id": "8086"}}'
    ),
    "a URL for an alias": _instead("alias", f'alias = "{_URL}"'),
    "a password for an alias": _instead("alias", f"alias = {CANARY}"),
    "an old name with an indented URL": _below("host", f"pci_alias = {_ALIAS}", f" u = {_URL}"),
    "a misspelt option with an indented password": _below(
        "alias", f"device_specs = {_SPEC}", f"  password = {CANARY}"
    ),
    "a misspelt option with a URL": _below("alias", f"aliass = {_URL}"),
    "an option in a wrong section": _below("host", f"device_spec = {_SPEC}", f"  {_URL}"),
    "a number that is a URL": _instead("live_migration_d", f"live_migration_downtime = {_URL}"),
    "an option of logging with an indented URL": _below("host", "debug = true", f"  url = {_URL}"),
    "a database that is no URL": _instead("connection", f"connection = nova:{CANARY}@db"),
    "a database with an indented password": _below("connection", f"  password = {CANARY}"),
    "lines end as on an old Macintosh": SOUND.replace("\n", "\r"),
    "lines end as on Windows, one of them twice": SOUND.replace("\n", "\r\n").replace(
        "auth_type", f"\r{CANARY}\rauth_type"
    ),
    "not UTF-8": SOUND.replace(CANARY, f"\xe9{CANARY}").encode("latin-1"),
    "a byte that is no text": SOUND.replace(CANARY, f"{CANARY}\0").encode(),
    "a byte order mark": SOUND.encode("utf-8-sig"),
    "UTF-16": SOUND.encode("utf-16"),
    "a shell script": f"export OS_PASSWORD={CANARY}\nexport OS_AUTH_URL={_URL}\n",
    "clouds.yaml": f"clouds:\n  a:\n    auth:\n      password: {CANARY}\n      url: {_URL}\n",
    "JSON": json.dumps({"password": CANARY, "url": _URL}),
}  # fmt: skip


def traces(text: str | bytes) -> list[str]:
    """Return what is left of the password in a text, with what stands around it."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return [text[max(0, m.start() - 60) : m.end() + 20] for m in _TRACES.finditer(text)]
