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
    not_applicable,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules.stored_request import contradiction
from vfio_lm.preflight.wording.remedy import APIS_CONF, check_again, resize, steps
from vfio_lm.preflight.wording.shared_answers import as_it_was_made, no_alias_devices


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
            settled_by=APIS_CONF,
            aliases=names,
        )
    missing = [name for name in names if name not in facts.aliases]
    if missing:
        return warned(
            f"alias {', '.join(missing)} is not in the nova.conf given; the server keeps its "
            f"devices, but no other server can be made with this flavor",
            remedy=steps(
                check_again("--nova-conf FILE", why="with the nova.conf that defines it as FILE, "),
                "or define it in [pci] of the nova.conf of all nova services: "
                "openstack vfio alias create --help",
            ),
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
    ``No valid host was found``. Nova looks at what it stored when the server was made or resized;
    where the devices show that the aliases were others then, those of today prove neither yes nor
    no.
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
    if (other := contradiction(facts)) is not None:
        return unknown(
            f"what the aliases said when the server was made is not known: {other}",
            settled_by=as_it_was_made(facts.server.id),
            **evidence,
        )
    wrong = [name for name, value in said.items() if value not in (LiveMigratable.YES, None)]
    if wrong:
        listed = ", ".join(f"{name} ({evidence['live_migratable'][name]})" for name in wrong)
        return failed(
            f"nova only moves devices of an alias with live_migratable=yes, not of {listed}",
            remedy=steps(
                "what an alias asks for is stored with the server, so changing it is not enough",
                resize(facts.server.id, "whose aliases all have live_migratable=yes"),
            ),
            **evidence,
        )
    if None in said.values():
        unknown_names = ", ".join(name for name, value in said.items() if value is None)
        return unknown(
            f"the definition of alias {unknown_names} is not known, and no API shows it",
            settled_by=APIS_CONF,
            **evidence,
        )
    return passed("every alias has live_migratable=yes today", **evidence)


@check(
    "alias-changed-since-boot",
    Scope.SERVER,
    "Have the aliases perhaps changed since the server was made?",
    refused_by=Refuser.CONDUCTOR,
    is_decisive=False,
)
def alias_changed_since_boot(facts: Facts) -> Outcome:
    """Compare the age of the server with that of the files that define the aliases.

    Nova stores what an alias asked for with the server, when it is made or resized
    (``InstancePCIRequests``), and no API shows it. That a file is younger than the server proves
    nothing; that it is older does.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    if facts.aliases is None:
        return not_applicable("without a nova.conf the aliases are not known")
    changed, created = facts.inputs.aliases_changed_at, facts.server.created_at
    if changed is None or created is None:
        return unknown(
            "when the definitions of the aliases were changed is not known",
            settled_by=APIS_CONF,
        )
    evidence = {"aliases_changed_at": changed.isoformat(), "created_at": created.isoformat()}
    if changed <= created:
        return passed("the definitions are older than the server", **evidence)
    return warned(
        "the file that defines the aliases was changed after the server was made, and nova goes "
        "by what they said then, or when it was last resized",
        remedy=steps(
            "if live_migratable was added to the alias since",
            resize(facts.server.id, "with the alias of today"),
        ),
        **evidence,
    )
