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

"""Checks of the aliases that the server's flavor names."""

from __future__ import annotations

from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.checks.server import no_alias_devices
from vfio_lm.preflight.facts import Facts

_GIVE_NOVA_CONF = "give the nova.conf of nova-api: --nova-conf FILE"


@check(
    "alias-defined",
    Scope.SERVER,
    "Is every alias of the flavor defined?",
    refused_by=Refuser.NOWHERE,
    is_decisive=False,
)
def alias_defined(facts: Facts) -> Outcome:
    """Look the aliases up.

    A missing one does not stop a live migration, because nova stored the request with the
    server; it stops the flavor's next use (``nova/pci/request.py``, nova 34.0.0). That each
    definition is legal is seen when the file is read.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    names = [request.alias for request in facts.alias_requests]
    if facts.aliases is None:
        return unknown(
            "without a nova.conf the aliases are not known",
            settled_by=_GIVE_NOVA_CONF,
            aliases=names,
        )
    missing = [name for name in names if name not in facts.aliases]
    if missing:
        return warned(
            f"alias {', '.join(missing)} is not in the nova.conf given; the server keeps its "
            f"devices, but no other server can be made with this flavor",
            remedy="give the nova.conf that defines it, or define it in [pci]alias",
            aliases=names,
            missing=missing,
        )
    return passed(f"defined: {', '.join(names)}", aliases=names)


@check(
    "alias-live-migratable",
    Scope.SERVER,
    "Does every alias of the flavor ask explicitly for live migratable devices?",
    refused_by=Refuser.CONDUCTOR,
)
def alias_live_migratable(facts: Facts) -> Outcome:
    """Apply ``_check_can_migrate_pci``: every request must say yes, an absent tag is no yes.

    Source: ``nova/conductor/tasks/live_migrate.py`` (nova 34.0.0). The user only sees
    ``No valid host was found``.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    aliases = facts.aliases or {}
    said = {
        request.alias: aliases[request.alias].live_migratable if request.alias in aliases else None
        for request in facts.alias_requests
    }
    evidence = {
        "live_migratable": {name: value.value if value else None for name, value in said.items()}
    }
    wrong = [name for name, value in said.items() if value not in (LiveMigratable.YES, None)]
    if wrong:
        listed = ", ".join(f"{name} ({evidence['live_migratable'][name]})" for name in wrong)
        return failed(
            f"nova only moves devices of an alias with live_migratable=yes, not of {listed}",
            remedy=(
                "the request is stored with the server, so changing the alias is not enough: "
                "resize the server to a flavor whose alias has live_migratable=yes: "
                f"openstack server resize --flavor FLAVOR {facts.server.id}"
            ),
            **evidence,
        )
    if None in said.values():
        unknown_names = ", ".join(name for name, value in said.items() if value is None)
        return unknown(
            f"the definition of alias {unknown_names} is not known, and no API shows it",
            settled_by=_GIVE_NOVA_CONF,
            **evidence,
        )
    # What counts is what the aliases said when the server was created or last resized.
    return passed("every alias has live_migratable=yes today", **evidence)
