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

"""The check of features that put conditions of their own on a live migration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from oslo_utils import strutils

from vfio_lm.cloud.model import Microversion
from vfio_lm.preflight.check import Outcome, Refuser, Scope, check, failed, passed, unknown
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules import extra_specs as flavor_keys
from vfio_lm.preflight.rules import image_properties as image_keys
from vfio_lm.preflight.rules.demanded_traits import has_tpm
from vfio_lm.preflight.rules.extra_specs import Effect, effect_of_extra_spec
from vfio_lm.preflight.rules.image_properties import as_nova_names, effect_of_image_property
from vfio_lm.preflight.rules.nova_decides import is_for_the_hosts
from vfio_lm.preflight.wording.nova_says import ask_again
from vfio_lm.preflight.wording.remedy import paste, resize

_TPM = "an emulated TPM"
_VOLUME = "a boot volume whose image properties are not available"

# Nova 33.0.0 (2026.1), the first that live migrates a server with an emulated TPM.
_TPM_MIGRATES_SINCE: Microversion = (2, 103)


@check(
    "server-features",
    Scope.SERVER,
    "Does the server use features that put conditions of their own on a live migration?",
    refused_by=Refuser.SCHEDULER,
)
def server_features(facts: Facts) -> Outcome:
    """Say so where the answers of the other checks are not enough.

    Shares are refused by ``block_shares_not_supported`` in ``nova/compute/api.py`` (nova 34.0.0).
    """
    refused = list(_refused(facts))
    if refused:
        return failed(
            f"nova live migrates no server with {', '.join(refused)}",
            remedy=_without(facts, refused),
            features=refused,
        )
    if facts.share_ids:
        server_id = facts.server.id
        return failed(
            f"nova live migrates no server with a file share: {', '.join(facts.share_ids)}",
            remedy=paste(
                "take the shares away from the server, which has to be stopped for it",
                f"openstack server stop {server_id}",
                *(f"openstack server remove share {server_id} {s}" for s in facts.share_ids),
                f"openstack server start {server_id}",
            ),
            shares=list(facts.share_ids),
        )
    features = list(_features(facts))
    if not features:
        return passed("the server uses no such feature", features=[])
    return unknown(
        f"the server uses {', '.join(features)}, which this preflight does not look into",
        settled_by=_settled_by(facts, features),
        features=features,
    )


def _refused(facts: Facts) -> Iterator[str]:
    """Yield what nova's API refuses to live migrate, shares apart.

    Source: ``block_accelerators``, ``reject_mem_enc_instances`` and
    ``reject_legacy_vtpm_live_migration`` in ``nova/compute/api.py``,
    ``get_mem_encryption_constraint`` in ``nova/virt/hardware.py`` (nova 34.0.0);
    ``reject_vtpm_instances`` in the former (nova 31 and 32).
    """
    extra_specs, properties = facts.server.flavor.extra_specs, _properties(facts)
    if extra_specs.get(flavor_keys.PROFILE):
        yield flavor_keys.PROFILE
    if strutils.bool_from_string(extra_specs.get(flavor_keys.ENCRYPTION)):
        yield flavor_keys.ENCRYPTION
    if strutils.bool_from_string(properties.get(image_keys.ENCRYPTION)):
        yield image_keys.ENCRYPTION
    if has_tpm(extra_specs, properties) and not (
        facts.nova_microversion >= _TPM_MIGRATES_SINCE and _keeps_tpm_secret_on_host(facts)
    ):
        yield _TPM


def _without(facts: Facts, refused: list[str]) -> str:
    server_id = facts.server.id
    if image_keys.ENCRYPTION in refused:
        return paste(
            "rebuild the server from an image without it; this erases its root disk",
            f"openstack server rebuild --wait --image IMAGE {server_id}",
        )
    if refused == [_TPM] and facts.nova_microversion >= _TPM_MIGRATES_SINCE:
        return resize(server_id, f"with {flavor_keys.TPM_SECURITY}=host")
    return resize(server_id, "without it")


def _keeps_tpm_secret_on_host(facts: Facts) -> bool:
    return facts.server.flavor.extra_specs.get(flavor_keys.TPM_SECURITY) == "host"


def _properties(facts: Facts) -> Mapping[str, str]:
    return as_nova_names(facts.image_properties or {})


def _settled_by(facts: Facts, features: list[str]) -> str:
    if all(feature.startswith("flavor ") for feature in features):
        return resize(facts.server.id, "without it")
    if features == [_VOLUME]:
        return paste(
            "let the block storage service answer this user",
            *(f"openstack volume show {volume}" for volume in facts.server.volume_ids),
        )
    if any(map(is_for_the_hosts, features)):
        return paste(
            "see that both hosts have what it needs, then let nova try: it rolls back where one of "
            "them refuses",
            f"openstack vfio migration start --vfio-preflight warn {facts.server.id}",
        )
    # Not by trying it: some of what nova refuses leaves the server in ERROR.
    return ask_again(facts)


def _features(facts: Facts) -> Iterator[str]:
    server = facts.server
    for key, value in sorted(server.flavor.extra_specs.items()):
        if effect_of_extra_spec(key, value) is Effect.UNKNOWN:
            yield f"flavor {key}"
    if facts.image_properties is None:
        yield _VOLUME
    for key, value in sorted(_properties(facts).items()):
        if effect_of_image_property(key, value) is Effect.UNKNOWN:
            yield f"image {key}"
    if has_tpm(server.flavor.extra_specs, _properties(facts)):
        # Nova-compute refuses it where libvirt has lost the secret.
        yield _TPM
    for name in sorted(facts.source.nested_classes):
        yield f"{name} of a part of the host, perhaps a mediated device"
