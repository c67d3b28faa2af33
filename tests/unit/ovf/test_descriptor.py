"""Descriptors: ours there and back, those of others, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.ovf.errors import BadDescriptor, BadPackage, UnsupportedPackage
from guestwright.ovf.model import Descriptor, Disk, File, Format, Nic, Payload
from guestwright.ovf.reader import read, with_files
from guestwright.ovf.words import URIS
from guestwright.ovf.writer import write
from tests.support.ovf_samples import OURS, OVIRT, VIRTUALBOX, VMWARE

PLAIN = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=("L", "N", "P", "S")), max_size=40
)
NAMED = PLAIN.filter(bool)
WORDS = st.sampled_from(["", "virtio", "e1000", "rtl8139"])
PAYLOADS = st.builds(
    Payload,
    device=st.sampled_from(["cd", "floppy"]),
    persistence=st.sampled_from(["permanent", "run-once"]),
    name=PLAIN,
    form=st.sampled_from(["", "files", "nocloud"]),
    label=PLAIN,
    files=st.lists(st.tuples(PLAIN, st.integers(0, 1 << 40)), max_size=3).map(tuple),
)


@st.composite
def descriptors(draw: st.DrawFn) -> Descriptor:
    count = draw(st.integers(0, 4))
    kinds = draw(st.lists(st.sampled_from([Format.RAW, Format.QCOW2]), min_size=count, max_size=count))
    sizes = draw(st.lists(st.integers(0, 1 << 45) | st.none(), min_size=count, max_size=count))
    buses = draw(st.lists(st.sampled_from(["virtio", "scsi", "ide"]), min_size=count, max_size=count))
    return Descriptor(
        name=draw(NAMED),
        description=draw(PLAIN),
        os_family=draw(st.sampled_from(["", "linux", "windows", "freebsd"])),
        vcpus=draw(st.integers(1, 4096)),
        memory=draw(st.integers(1, 1 << 50)),
        firmware=draw(st.sampled_from(["", "bios", "efi"])),
        machine=draw(st.sampled_from(["", "q35", "pc-i440fx-7.2"])),
        files=tuple(File(id=f"id{n}", name=f"d{n}.img", size=size) for n, size in enumerate(sizes)),
        disks=tuple(
            Disk(
                id=f"disk{n}",
                file=f"id{n}",
                format=kind,
                uri=URIS[kind],
                capacity=draw(st.integers(0, 1 << 60)),
                bus=bus,
                target=f"vd{'abcd'[n]}",
            )
            for n, (kind, bus) in enumerate(zip(kinds, buses, strict=True))
        ),
        nics=tuple(draw(st.lists(st.builds(Nic, network=PLAIN, bridge=PLAIN, model=WORDS), max_size=3))),
        drives=tuple(draw(st.lists(st.sampled_from(["cd", "floppy"]), max_size=2))),
        payloads=tuple(draw(st.lists(PAYLOADS, max_size=2))),
        sealed=draw(st.booleans()),
    )


@given(descriptors())
def test_what_is_written_is_read(descriptor: Descriptor) -> None:
    data = write(descriptor)
    assert read(data) == descriptor
    assert write(read(data)) == data


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with pytest.raises(GuestwrightError):
        read(data)


@given(st.integers(0, len(write(OURS)) - 1), st.binary(min_size=1, max_size=6))
def test_a_changed_descriptor_is_read_or_refused(place: int, piece: bytes) -> None:
    data = write(OURS)
    try:
        found = read(data[:place] + piece + data[place + len(piece) :])
    except GuestwrightError:
        return
    write(replace(found, disks=(), files=()))


def test_virtualbox() -> None:
    found = read(VIRTUALBOX.encode())
    assert (found.name, found.description, found.os_family) == ("deb", "For tests", "linux")
    assert (found.vcpus, found.memory, found.drives) == (2, 1 << 30, ("cd",))
    assert found.nics == (Nic(network="NAT", model="e1000"),)
    assert [(one.format, one.capacity, one.bus) for one in found.disks] == [(Format.VMDK, 8 << 30, "sata")]
    assert "hardware of type 35 was left out" in found.notes
    assert any("virtualbox.org" in one for one in found.notes)


def test_vmware() -> None:
    found = read(VMWARE.encode())
    assert (found.name, found.os_family, found.firmware) == ("win", "windows", "efi")
    assert (found.vcpus, found.memory) == (4, 8 << 30)  # the configuration that is the default
    assert [(one.format, one.capacity, one.bus) for one in found.disks] == [(Format.VMDK, 40 << 30, "scsi")]
    assert found.nics == (Nic(network="VM Network", model="vmxnet3"),)
    assert "file win-2.nvram is of no disk that is used" in found.notes


def test_ovirt() -> None:
    found = read(OVIRT.encode())
    assert (found.name, found.description, found.os_family) == ("golden", "An image", "linux")
    assert (found.vcpus, found.memory, found.sealed) == (4, 2 << 30, True)
    assert [(one.format, one.capacity) for one in found.disks] == [(Format.RAW, 5 << 30)]
    assert found.nics == (Nic(network="ovirtmgmt", model="virtio"),)


def changed(before: str, after: str, sample: str = VIRTUALBOX) -> bytes:
    assert before in sample
    return sample.replace(before, after).encode()


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Envelope>&b;</Envelope>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Envelope>&x;</Envelope>'
PARAMETER = '<!DOCTYPE a SYSTEM "http://localhost/evil.dtd"><Envelope/>'


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (LAUGHS.encode(), "DOCTYPE"),
        (EXTERNAL.encode(), "DOCTYPE"),
        (PARAMETER.encode(), "DOCTYPE"),
        (b"", "no element found"),
        (b"<Envelope>", "no element found"),
        (b"<other/>", "begins with other"),
        (b"<?xml version='1.0' encoding='klingon'?><Envelope/>", "encoding"),
        (b"<Envelope>" + b"<a>" * 40 + b"</a>" * 40 + b"</Envelope>", "deeper than"),
        (b"<Envelope>" + b"<a/>" * 20_001 + b"</Envelope>", "elements"),
        (b"<Envelope " + b" ".join(b"a%d='1'" % n for n in range(65)) + b"/>", "attributes"),
        (b"<Envelope>" + b" " * (1 << 20) + b"</Envelope>", "longer than"),
        (changed('ovf:capacity="8589934592"', 'ovf:capacity="${size}"'), "is no number"),
        (changed('ovf:capacity="8589934592"', 'ovf:capacity="99999999999999999999"'), "too many"),
        (changed("MegaBytes", "parsecs"), "no unit"),
        (changed("<rasd:VirtualQuantity>2<", "<rasd:VirtualQuantity>0<"), "0 processors"),
        (changed("<rasd:VirtualQuantity>2<", "<rasd:VirtualQuantity>99999<"), "99999 processors"),
        (changed("<rasd:ResourceType>3<", "<rasd:ResourceType>99<"), "how many processors"),
        (changed('ovf:fileRef="file1"', 'ovf:fileRef="file7"'), "no file file7"),
        (changed("/disk/vmdisk1", "/disk/other"), "not among the disks"),
        (changed('ovf:diskId="vmdisk1"', ""), "without an id"),
        (changed("<VirtualSystem ", "<Other ").replace(b"</VirtualSystem>", b"</Other>"), "0 machines"),
        (changed("VirtualHardwareSection>", "PlainSection>"), "no VirtualHardwareSection"),
    ],
)
def test_bad_descriptors_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(BadDescriptor) as caught:
        read(data)
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (changed("ovf/envelope/1", "ovf/envelope/2"), "envelope/2"),
        (changed('<vbox:Machine ovf:required="false"', '<vbox:Machine ovf:required="true"'), "Machine"),
        (changed("<ProductSection>", '<OddSection ovf:required="true"/><ProductSection>'), "OddSection"),
        (changed("<VirtualSystem ", '<VirtualSystemCollection ovf:id="x"/><VirtualSystem '), "Collection"),
        (changed("<File ", '<File ovf:compression="gzip" '), "deb-disk001.vmdk"),
        (changed("<File ", '<File ovf:chunkSize="100" '), "deb-disk001.vmdk"),
        (changed("<Disk ", '<Disk ovf:parentRef="vmdisk0" '), "vmdisk1"),
        (
            changed('<vmw:ExtraConfig ovf:required="false"', '<vmw:ExtraConfig ovf:required="true"', VMWARE),
            "Extra",
        ),
    ],
)
def test_what_is_demanded_and_not_there_is_named(data: bytes, what: str) -> None:
    with pytest.raises(UnsupportedPackage) as caught:
        read(data)
    assert what in caught.value.message


@pytest.mark.parametrize(
    "name",
    [
        "../a.img",
        "/etc/passwd",
        "a/b.img",
        "http://x.example/a.img",
        "..",
        ".hidden",
        "-rf",
        "a\\b",
        "",
        "a" * 101,
    ],
)
def test_files_stay_in_the_package(name: str) -> None:
    with pytest.raises(BadPackage):
        read(changed("deb-disk001.vmdk", name))


def test_our_own_section_must_fit() -> None:
    data = write(OURS)
    for before, after in (
        (b'target="vda"', b'target="sda"'),
        (b'target="vda"', b'target="../../x"'),
        (b'<gw:Disk id="disk1"', b'<gw:Disk id="disk9"'),
        (b'machine="q35"', b'machine="q35;rm"'),
        (b'device="cd"', b'device="tape"'),
        (b'<gw:Nic bridge="" model="virtio" network="lan"/>', b""),
        (b"<gw:Template ", b"<gw:Tempel "),
    ):
        assert before in data
        with pytest.raises(BadDescriptor):
            read(data.replace(before, after))


def test_formats_that_are_not_written_are_named() -> None:
    disk = replace(OURS.disks[0], format=Format.VMDK)
    with pytest.raises(UnsupportedPackage, match="disk1"):
        write(replace(OURS, disks=(disk,)))


def test_sizes_are_added() -> None:
    found = with_files(OURS, {"f1": 7})
    assert [one.size for one in found.files] == [7, 1 << 20]


def test_nothing_of_a_payload_but_its_shape_has_a_place() -> None:
    assert {name for name in dir(Payload) if not name.startswith("_")} == {
        *("device", "persistence", "name", "form", "label", "files")
    }
    assert b'<gw:File name="user-data" size="120"/>' in write(OURS)
