"""Where FreeBSD's kernel puts things, against its headers; and the script that starts the agent there.

Sources: FreeBSD 11 to 14, sys/net/if.h (if_msghdr, if_data, ifa_msghdr), sys/net/if_dl.h (sockaddr_dl),
sys/net/route.h; the sizes are also those that Go's x/net/route was generated with on FreeBSD 11
(sizeofIfMsghdrFreeBSD11 = 0xa8, sizeofIfDataFreeBSD11 = 0x98, sizeofIfaMsghdrFreeBSD10 = 0x14).
"""

from __future__ import annotations

import ctypes
import subprocess
from ctypes import c_char, c_int, c_uint8, c_uint16, c_uint32, c_uint64
from pathlib import Path

import pytest

from guestwright.agent.freebsd import route, sysctl
from guestwright.agent.package import contents

_COUNTERS = "ipackets ierrors opackets oerrors collisions ibytes obytes imcasts omcasts iqdrops oqdrops"


class IfData(ctypes.Structure):
    """As the header has it, field by field."""

    _fields_ = (
        ("ifi_type", c_uint8),
        ("ifi_physical", c_uint8),
        ("ifi_addrlen", c_uint8),
        ("ifi_hdrlen", c_uint8),
        ("ifi_link_state", c_uint8),
        ("ifi_vhid", c_uint8),
        ("ifi_datalen", c_uint16),
        ("ifi_mtu", c_uint32),
        ("ifi_metric", c_uint32),
        ("ifi_baudrate", c_uint64),
        *((f"ifi_{name}", c_uint64) for name in f"{_COUNTERS} noproto hwassist".split()),
        ("ifi_epoch", c_uint64),
        ("ifi_lastchange", c_uint64 * 2),
    )


class IfMsghdr(ctypes.Structure):
    _fields_ = (
        ("ifm_msglen", c_uint16),
        ("ifm_version", c_uint8),
        ("ifm_type", c_uint8),
        ("ifm_addrs", c_int),
        ("ifm_flags", c_int),
        ("ifm_index", c_uint16),
        ("_ifm_spare1", c_uint16),
        ("ifm_data", IfData),
    )


class IfaMsghdr(ctypes.Structure):
    _fields_ = (
        ("ifam_msglen", c_uint16),
        ("ifam_version", c_uint8),
        ("ifam_type", c_uint8),
        ("ifam_addrs", c_int),
        ("ifam_flags", c_int),
        ("ifam_index", c_uint16),
        ("_ifam_spare1", c_uint16),
        ("ifam_metric", c_int),
    )


class SockaddrDl(ctypes.Structure):
    _fields_ = (
        ("sdl_len", c_uint8),
        ("sdl_family", c_uint8),
        ("sdl_index", c_uint16),
        ("sdl_type", c_uint8),
        ("sdl_nlen", c_uint8),
        ("sdl_alen", c_uint8),
        ("sdl_slen", c_uint8),
        ("sdl_data", c_char * 46),
    )


def test_sizes_that_others_have_measured() -> None:
    sizes = [ctypes.sizeof(kind) for kind in (IfMsghdr, IfData, IfaMsghdr, SockaddrDl)]
    assert sizes == [0xA8, 0x98, 0x14, 0x36]


def test_ours_begin_and_end_where_theirs_do() -> None:
    assert route._INTERFACE.size == IfMsghdr.ifm_data.offset
    assert route._ADDRESS.size == ctypes.sizeof(IfaMsghdr)
    assert route._DATA.size == IfData.ifi_ipackets.offset
    assert SockaddrDl.sdl_data.offset == 8


@pytest.mark.parametrize(
    ("field", "value"),
    [("ifi_link_state", 4), ("ifi_datalen", 6), ("ifi_mtu", 7), ("ifi_baudrate", 9)],
)
def test_the_fields_that_are_read(field: str, value: int) -> None:
    made = IfData(**{field: 0x5A})
    found = route._DATA.unpack_from(bytes(made))
    assert [place for place, one in enumerate(found) if one] == [value]
    assert found[value] == 0x5A


def test_numbers_of_the_headers() -> None:
    """RTM_VERSION, RTM_NEWADDR, RTM_IFINFO; CTL_NET, PF_ROUTE, NET_RT_IFLIST; RTAX_*."""
    assert (route.VERSION, route.NEW_ADDRESS, route.INTERFACE) == (5, 0xC, 0xE)
    assert sysctl.IFLIST == (4, 17, 0, 0, 3, 0)
    assert (route._MASK, route._LINK, route._OWN) == (2, 4, 5)


@pytest.mark.parametrize("there", [True, False], ids=["with a channel", "without one"])
def test_the_script_starts_the_agent_where_there_is_a_channel(tmp_path: Path, there: bool) -> None:
    """With a stand-in for FreeBSD's rc.subr that says what would be run."""
    subr = tmp_path / "rc.subr"
    subr.write_text(
        "load_rc_config() { :; }\n"
        'run_rc_command() { if $start_precmd; then echo "$command $command_args"; else echo nothing; fi; }\n'
    )
    text = contents.filled(contents.rcd()).decode()
    assert text.count("/etc/rc.subr") == text.count("-c /dev/xen/xenstore") == 1
    device = "/dev/null" if there else str(tmp_path / "none")
    script = tmp_path / "guestwright_agent"
    script.write_text(text.replace("/etc/rc.subr", str(subr)).replace("/dev/xen/xenstore", device))
    done = subprocess.run(["sh", "-eu", str(script), "start"], capture_output=True, text=True, check=False)
    if not there:
        assert done.stdout == "nothing\n"
        return
    assert done.stdout.startswith("/usr/sbin/daemon -f -r -R 2 -P /var/run/guestwright_agent.pid ")
    assert done.stdout.endswith(f"/usr/local/bin/python3 -I -S -E {contents.program()}\n")
