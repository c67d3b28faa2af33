"""What the agent writes is read as it was meant, and nothing else is believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.agent.core import facts
from guestwright.agent.core.layout import desired
from guestwright.host.facts.decode import Told, decode
from guestwright.host.facts.intake import admit

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)
SIZES = st.integers(0, 1 << 44)
ADDRESSES = st.integers(0, 7).map(
    lambda number: facts.Address(family=4, address=f"192.0.2.{number}", prefix=24)
) | (
    st.integers(0, 7).map(
        lambda number: facts.Address(family=6, address=f"2001:db8::{number + 1:x}", prefix=64)
    )
)


@st.composite
def guests(draw: st.DrawFn) -> facts.Facts:
    total = draw(SIZES)
    nics = [
        facts.Nic(
            id=f"vif-{number}",
            kind="vif",
            name=f"enX{number}",
            mac=f"00:16:3e:00:00:{number:02x}",
            mtu=draw(st.integers(1, 9000)),
            up=True,
            carrier=True,
            vif=number,
            driver="vif",
            addresses=tuple(draw(st.lists(ADDRESSES, max_size=3, unique=True))),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return facts.Facts(
        system=facts.System(
            name=draw(WORDS), distro="debian", major="12", minor="4", uname=draw(WORDS), family="linux"
        ),
        host=facts.Host(
            name=draw(WORDS),
            domain=draw(WORDS),
            timezone="Europe/London",
            utc_offset=draw(st.integers(-50000, 50000)),
        ),
        memory=facts.Memory(total=total, free=total // 3),
        disks=tuple(
            facts.Disk(name=f"xvd{letter}", size=draw(SIZES), serial=draw(WORDS), vbd=1)
            for letter in draw(st.sampled_from(["", "a", "ab"]))
        ),
        filesystems=tuple(
            facts.Filesystem(
                device=f"/dev/xvda{number}",
                kind="ext4",
                size=total,
                free=total // 2,
                mounts=("/", "/x"),
                uuid="1-2",
                label="l",
            )
            for number in range(draw(st.integers(0, 2)))
        ),
        users=tuple(
            facts.User(name=draw(WORDS), line="tty1", host="h", since=5)
            for _ in range(draw(st.integers(0, 2)))
        ),
        version=(draw(st.integers(1, 9)), 2, 3),
        not_upgradable=draw(st.booleans()),
        nics=tuple(nics),
        identity=facts.Identity(machine_id="ab12", ssh=("ED25519 SHA256:x", "RSA SHA256:y")),
        boot="up",
        balloon=facts.Balloon(current=total, target=total, settled=True, ready=True, supported=True),
    )


def read(written: dict[str, bytes]) -> Told:
    return decode(admit(written.items()))


@given(guests())
@settings(max_examples=100, deadline=None)
def test_what_the_agent_publishes_comes_back(guest: facts.Facts) -> None:
    told = read(desired(guest, {"exec": "disabled in the guest", "sysprep": "1"}, {}))
    assert told.system == guest.system
    assert told.host == guest.host
    assert told.memory == guest.memory
    assert told.disks == guest.disks
    assert told.filesystems == guest.filesystems
    assert told.users == guest.users
    assert told.identity == guest.identity
    assert told.balloon == guest.balloon
    assert told.tools.version == (*guest.version, 0)
    assert told.tools.not_upgradable == guest.not_upgradable
    assert dict(told.features)["sysprep"] == "1"
    assert dict(told.features)["exec"] == "disabled in the guest"
    assert (told.boot, told.published) == ("up", True)
    assert len(told.nics) == len(guest.nics)
    for mine, theirs in zip(sorted(told.nics, key=lambda one: one.id), guest.nics, strict=True):
        assert (mine.id, mine.mac, mine.mtu, mine.vif, mine.up) == (
            theirs.id,
            theirs.mac,
            theirs.mtu,
            theirs.vif,
            True,
        )
        assert set(mine.addresses) == set(theirs.addresses)


def test_where_the_guest_may_write_no_feature_its_report_tells_of_the_balloon() -> None:
    """As plain libxl has it: `control` is the host's."""
    report = {"data/balloon/current": b"9", "data/balloon/target": b"9", "data/balloon/settled": b"0"}
    early = read(report)
    assert early.balloon is not None
    assert (early.balloon.supported, "balloon" in early.features) == (False, False)
    told = read(report | {"data/updated": b"1"})
    assert told.balloon is not None
    assert (told.balloon.supported, told.features["balloon"]) == (True, "1")


def test_an_agent_of_xapi_is_read_too() -> None:
    told = read(
        {
            "attr/vif/0/ipv4/0": b"192.0.2.1",
            "attr/vif/0/ipv6/0": b"fe80::1",
            "attr/vif/x/ipv4/0": b"192.0.2.9",
            "xenserver/attr/net-sriov-vf/3/mac/0": b"00-16-3E-00-00-03",
            "data/os_distro": b"Debian",
            "data/meminfo_total": b"100",
            "data/meminfo_free": b"90",
            "control/feature-balloon": b"0",
        }
    )
    assert [(one.id, one.mac) for one in told.nics] == [("vif-0", ""), ("sriov-3", "00:16:3e:00:00:03")]
    assert [(one.address, one.scope, one.prefix) for one in told.nics[0].addresses] == [
        ("192.0.2.1", "global", 32),
        ("fe80::1", "link", 128),
    ]
    assert (told.system.distro, told.balloon, dict(told.features)) == ("debian", None, {})


@pytest.mark.parametrize(
    "written",
    [
        {"data/meminfo_total": b"10", "data/meminfo_free": b"11"},
        {"data/meminfo_total": b"-1", "data/meminfo_free": b"-2"},
        {"data/balloon/current": b"1e3", "data/balloon/target": b"1"},
        {"data/volumes/0/name": b"/dev/x", "data/volumes/0/size": b"5", "data/volumes/0/free": b"6"},
        {"data/guestwright/disks/x/name": b"xvda", "data/guestwright/disks/x/size": b"1"},
        {"data/boot/state": b"flying"},
        {"data/net/version": b"2.0", "data/net/a/kind": b"vif"},
        {"data/os_majorver": b"unknown", "data/guestwright/os/family": b"Linux; rm"},
        {"data/guestwright/host/utc-offset": b"99999999"},
        {"data/guestwright/identity/machine-id": b"<script>"},
    ],
)
def test_what_cannot_be_is_as_if_it_were_not_there(written: dict[str, bytes]) -> None:
    assert read(written) == read({})
