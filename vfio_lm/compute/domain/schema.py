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

"""Whether a domain's XML follows libvirt's own schema; what the devices are is not asked."""

from __future__ import annotations

import os

from vfio_lm.errors import VfioLmError

LIBVIRT_SCHEMA = "/usr/share/libvirt/schemas/domain.rng"
"""Where libvirt's packages have it; libvirt-common on Debian, libvirt-libs on others."""


class SchemaError(VfioLmError):
    """Libvirt's schema is not there, or is none."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class DomainSchema:
    """Libvirt's schema of domains.

    :raises SchemaError: if there is none
    :raises VfioLmError: if lxml is not installed
    """

    def __init__(self, path: str | os.PathLike[str] = LIBVIRT_SCHEMA) -> None:
        try:
            from lxml import etree
        except ImportError:
            raise VfioLmError(
                "lxml is not installed here, and libvirt's schema cannot be read without it: "
                "install the package python3-lxml, or openstack-vfio-lm with its extra [compute]"
            ) from None

        location = os.fspath(path)
        if not os.path.exists(location):
            raise SchemaError(location, "is not there: install libvirt, or do without the check")
        try:
            self._schema = etree.RelaxNG(file=location)
        except (etree.RelaxNGParseError, etree.XMLSyntaxError) as exc:
            raise SchemaError(location, f"is no RELAX NG schema: {exc}") from None

    def mistake(self, xml: str) -> str | None:
        """Return what is wrong with a domain's XML, or None.

        :param xml: as :func:`vfio_lm.compute.domain.remap.remap` takes it
        """
        from lxml import etree

        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
        try:
            document = etree.fromstring(xml.encode(), parser)
        except etree.XMLSyntaxError as exc:
            return str(exc.msg)
        if self._schema.validate(document):
            return None
        # The last one is of the outermost element, and the least helpful.
        first = self._schema.error_log[0]
        return f"line {first.line}: {first.message}"
