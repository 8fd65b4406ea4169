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

"""Questions to libvirtd: its domains and PCI devices, as plain data; what follows is not judged.

The only module beside the migration itself that knows libvirt-python.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import urllib.parse
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from vfio_lm.compute.domain.devices import DomainDevices, read_devices
from vfio_lm.compute.libvirt.errors import LibvirtError
from vfio_lm.errors import NotFoundError, VfioLmError
from vfio_lm.pci.address import FIELDS, PciAddress

NOVA_NAMESPACE = "http://openstack.org/xmlns/libvirt/nova/"
"""Nova's in the metadata, with its version behind; ``nova/virt/libvirt/config.py`` (34.0.0)."""


class DomainState(enum.Enum):
    """What a domain does, as far as a migration has to know."""

    RUNNING = "running"
    PAUSED = "paused by its user"
    STOPPED = "not running"
    IN_POST_COPY = "in a post-copy migration"
    STUCK = "paused by libvirt after an error or in a migration"


@dataclasses.dataclass(frozen=True)
class Domain:
    """One domain at one time."""

    name: str
    uuid: str
    state: DomainState
    is_persistent: bool
    is_novas: bool
    """Whether nova made it, and so has to know where it is."""
    has_job: bool
    """Whether it is being migrated, here or away, or saved or the like."""
    live: DomainDevices
    """Of the running domain; of the configuration where it does not run."""
    config: DomainDevices
    """Of the configuration that its next start takes."""


@dataclasses.dataclass(frozen=True)
class NodeDevice:
    """One PCI device of a host as its libvirtd sees it."""

    address: PciAddress
    vendor_id: str
    """Four hexadecimal digits in lower case."""
    product_id: str
    driver: str | None
    """The kernel driver it is bound to, or None."""

    @property
    def ids(self) -> str:
        """Vendor and product as ``lspci -n`` writes them."""
        return f"{self.vendor_id}:{self.product_id}"


class Connection:
    """One libvirtd.

    :param raw: libvirt-python's connection
    """

    def __init__(self, raw: Any, uri: str) -> None:
        self.raw = raw
        self.uri = uri

    @contextlib.contextmanager
    def apart(self) -> Iterator[Connection]:
        """Connect to the same libvirtd once more, for what is asked while another call lasts.

        Of two threads on one connection only one reads the answers, and hands those of the other
        on. Seen with libvirt 9.0: a question beside a migration never got its answer that way.

        :raises LibvirtError: if it cannot be reached any more
        """
        with connected(self.uri) as other:
            yield other

    @property
    def is_local(self) -> bool:
        """Whether it is this host's, so that files it wrote can be read here."""
        return not urllib.parse.urlsplit(self.uri).hostname

    @property
    def libvirt_version(self) -> tuple[int, int, int]:
        """Of the libvirtd."""
        with asked(f"the version of libvirt at {self.uri}"):
            return _version(self.raw.getLibVersion())

    @property
    def qemu_version(self) -> tuple[int, int, int]:
        """Of the host's QEMU."""
        with asked(f"the version of QEMU at {self.uri}"):
            return _version(self.raw.getVersion())

    def raw_domain(self, name: str) -> Any:
        """Return libvirt-python's domain of a name or UUID.

        :raises NotFoundError: if there is none
        """
        found = self._lookup(name)
        if found is None:
            raise NotFoundError(
                f"no domain {name} at {self.uri}: 'virsh -c {self.uri} list --all' shows those "
                "that there are"
            )
        return found

    def domain(self, name: str) -> Domain:
        """Describe the domain of a name or UUID.

        :raises NotFoundError: if there is none
        """
        return self._describe(self.raw_domain(name))

    def find_domain(self, name: str) -> Domain | None:
        """Describe the domain of a name or UUID, or return None."""
        found = self._lookup(name)
        return None if found is None else self._describe(found)

    def devices_in_use(self) -> dict[PciAddress, str]:
        """Return the PCI devices that running domains have, with the domain's name."""
        with asked(f"the running domains at {self.uri}"):
            raw = self.raw.listAllDomains(_libvirt().VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        domains = [(each.name(), xml) for each in raw if (xml := self._xml_if_still_there(each))]
        return {address: name for name, xml in domains for address in read_devices(xml).addresses}

    def node_devices(self) -> dict[PciAddress, NodeDevice]:
        """Return all PCI devices of the host."""
        with asked(f"the PCI devices at {self.uri}"):
            raw = self.raw.listAllDevices(_libvirt().VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)
            devices = [parse_node_device(each.XMLDesc()) for each in raw]
        return {device.address: device for device in devices if device is not None}

    def close(self) -> None:
        """End the connection; an error of that is of no interest."""
        with contextlib.suppress(_libvirt().libvirtError):
            self.raw.close()

    def _lookup(self, name: str) -> Any:
        libvirt = _libvirt()
        for look_up in (self.raw.lookupByName, self.raw.lookupByUUIDString):
            try:
                return look_up(name)
            except libvirt.libvirtError as exc:
                # A name that is no UUID at all is an invalid argument.
                if exc.get_error_code() not in (
                    libvirt.VIR_ERR_NO_DOMAIN,
                    libvirt.VIR_ERR_INVALID_ARG,
                ):
                    raise _wrapped(f"domain {name} at {self.uri}", exc) from None
        return None

    def _xml_if_still_there(self, raw: Any) -> bytes | None:
        libvirt = _libvirt()
        try:
            return str(raw.XMLDesc()).encode()
        except libvirt.libvirtError as exc:
            if exc.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise _wrapped(f"domain {raw.name()} at {self.uri}", exc) from None

    def _describe(self, raw: Any) -> Domain:
        libvirt = _libvirt()
        with asked(f"domain {raw.name()} at {self.uri}"):
            state = _state(*raw.state())
            live = str(raw.XMLDesc())
            config = str(raw.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            return Domain(
                name=raw.name(),
                uuid=raw.UUIDString(),
                state=state,
                is_persistent=bool(raw.isPersistent()),
                is_novas=is_novas(live),
                has_job=_has_job(raw),
                live=read_devices(live.encode()),
                config=read_devices(config.encode()),
            )


@contextlib.contextmanager
def connected(uri: str | None, *, read_only: bool = False) -> Iterator[Connection]:
    """Connect to a libvirtd for as long as it is needed.

    :param uri: as ``virsh --connect`` takes it; None for this host's
    :raises LibvirtError: if it cannot be reached
    :raises VfioLmError: if libvirt-python is not installed
    """
    libvirt = _libvirt()
    uri = uri or "qemu:///system"
    try:
        raw = libvirt.openReadOnly(uri) if read_only else libvirt.open(uri)
    except libvirt.libvirtError as exc:
        raise LibvirtError(
            f"cannot connect to libvirtd at {uri}; 'virsh -c {uri} version' has to work here",
            exc.get_error_code(),
            str(exc),
        ) from None
    connection = Connection(raw, uri)
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def asked(what: str) -> Iterator[None]:
    """Turn an error of libvirt into ours.

    :raises LibvirtError: in place of libvirt's own
    """
    try:
        yield
    except _libvirt().libvirtError as exc:
        raise _wrapped(what, exc) from None


def parse_node_device(xml: str) -> NodeDevice | None:
    """Read libvirt's description of a PCI device; None for one beyond nova's address limits."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - libvirtd wrote it
    capability = root.find("capability[@type='pci']")
    if capability is None:
        return None
    numbers = [int(capability.findtext(field, "0"), 0) for field in FIELDS]
    if numbers[0] > 0xFFFF:
        return None
    ids = {}
    for name in ("vendor", "product"):
        element = capability.find(name)
        ids[name] = "" if element is None else element.get("id", "").removeprefix("0x").lower()
    return NodeDevice(
        address=PciAddress(*numbers),
        vendor_id=ids["vendor"],
        product_id=ids["product"],
        driver=root.findtext("driver/name"),
    )


def is_novas(xml: str) -> bool:
    """Whether a domain's metadata says that nova made it."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - libvirtd wrote it
    return any(each.tag.startswith("{" + NOVA_NAMESPACE) for each in root.iterfind("metadata/*"))


def _libvirt() -> Any:
    try:
        import libvirt
    except ImportError:
        raise VfioLmError(
            "libvirt-python is not installed here: install the package python3-libvirt, or "
            "install openstack-vfio-lm with its extra [compute]"
        ) from None
    # Without a handler of its own libvirt writes each error on the terminal, too.
    libvirt.registerErrorHandler(_say_nothing, None)
    return libvirt


def _say_nothing(_context: object, _error: object) -> None:
    """Libvirt's errors come as exceptions as well."""


def _wrapped(what: str, exc: Any) -> LibvirtError:
    return LibvirtError(what, exc.get_error_code(), str(exc))


def _has_job(raw: Any) -> bool:
    libvirt = _libvirt()
    if not raw.isActive():
        return False
    try:
        job = raw.jobInfo()[0]
    except libvirt.libvirtError as exc:
        # Of a migration to here: "migration statistics are available only on the source host".
        if exc.get_error_code() == libvirt.VIR_ERR_OPERATION_UNSUPPORTED:
            return True
        raise
    return job in (libvirt.VIR_DOMAIN_JOB_BOUNDED, libvirt.VIR_DOMAIN_JOB_UNBOUNDED)


def _version(number: int) -> tuple[int, int, int]:
    return number // 1_000_000, number // 1000 % 1000, number % 1000


def _state(state: int, reason: int) -> DomainState:
    libvirt = _libvirt()
    post_copy = {
        (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED),
    }
    if (state, reason) in post_copy:
        return DomainState.IN_POST_COPY
    if state in (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED):
        return DomainState.RUNNING
    if state == libvirt.VIR_DOMAIN_PAUSED:
        is_users = reason == libvirt.VIR_DOMAIN_PAUSED_USER
        return DomainState.PAUSED if is_users else DomainState.STUCK
    return DomainState.STOPPED
