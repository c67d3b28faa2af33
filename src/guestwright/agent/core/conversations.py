"""Keys by which host and guest ask and answer, in one table; only the documentation reads it.

Theory of operation: the protocols themselves are in `agent.actions`; a test finds every key of theirs here.
"""

from __future__ import annotations

from guestwright.base.record import record


@record
class Word:
    """One key of a conversation.

    Attributes:
        path: pattern, relative to the domain's directory.
        writer: "host", "guest", "kernel" or "both".
        meaning: what it says.
        protocol: whose it is.
    """

    path: str
    writer: str
    meaning: str
    protocol: str


def _words(protocol: str, *rows: tuple[str, str, str]) -> tuple[Word, ...]:
    return tuple(
        Word(path=path, writer=writer, meaning=text, protocol=protocol) for path, writer, text in rows
    )


WORDS = (
    *_words(
        "read from the host",
        ("domid", "host", "never changes; a watch on it that fires again tells of a resume or migration"),
        ("unique-domain-id", "host", "as above, where there is one (XAPI)"),
        ("device/vif/{n}/mac", "host", "MAC address by which a virtio card is taken for VIF N"),
        ("xenserver/device/net-sriov-vf/{n}/mac", "host", "MAC address of an SR-IOV function"),
        ("memory/target", "host", "kB; when it changes, the balloon is followed until it rests"),
        ("name", "host", "default for `control/setcomputername/name`"),
    ),
    *_words(
        "power",
        ("control/shutdown", "both", 'host: `poweroff`, `halt`, `reboot`, `suspend`; acknowledged by ""'),
    ),
    *_words(
        "sysprep",
        ("control/sysprep/filename", "host", "answer file on the disc, as `D://unattend.xml`"),
        ("control/sysprep/vdi-uuid", "host", "UUID of the disc; not needed by the guest"),
        (
            "control/sysprep/action",
            "both",
            "host: `sysprep`, last; guest: `running`, then removed at the end",
        ),
        ("data/guestwright/sysprep/media-seen", "guest", "what the drives hold; absent when they are empty"),
        ("data/guestwright/sysprep/state", "guest", "`running`, `finished`, `failed`"),
        ("data/guestwright/sysprep/progress", "guest", "what is being done"),
        ("data/guestwright/sysprep/error", "guest", "why it failed"),
    ),
    *_words(
        "batcmd",
        ("control/batcmd/script", "host", "at most 1024 bytes"),
        (
            "control/batcmd/state",
            "both",
            "host: `READY`; guest: `IN PROGRESS`, `SUCCESS`, `TRUNCATED`, `FAILURE`",
        ),
        ("control/batcmd/return", "guest", "exit status"),
        ("control/batcmd/stdout", "guest", "at most 1024 characters"),
        ("control/batcmd/stderr", "guest", "at most 1024 characters"),
    ),
    *_words(
        "host name and clock",
        ("control/setcomputername/action", "both", "host: `set`; guest: removed when done"),
        ("control/setcomputername/name", "host", "the new name"),
        ("control/setcomputername/state", "guest", "`InProgress`, `Succeeded`, `NoChange`, `Failed`"),
        ("control/setcomputername/error", "guest", "why it failed"),
        ("data/guestwright/time/set", "both", "host: seconds since 1970; guest: removed when done"),
        ("data/guestwright/time/state", "guest", "the outcome"),
    ),
    *_words(
        "static addresses",
        *(
            (f"xenserver/device/{device}/{{n}}/static-ip-setting/{name}", writer, meaning)
            for device in ("vif", "net-sriov-vf")
            for name, writer, meaning in (
                ("mac", "host", "MAC address of the interface"),
                ("enabled", "both", "IPv4; host: `0` none, `1` static, `2` DHCP; guest: removed when done"),
                ("address", "host", "with its prefix"),
                ("gateway", "host", "may be absent"),
                ("enabled6", "both", "the same for IPv6"),
                ("address6", "host", "with its prefix"),
                ("gateway6", "host", "may be absent"),
                ("error-code", "guest", "`0` when it worked"),
                ("error-msg", "guest", "why it failed"),
            )
        ),
    ),
    *_words(
        "freezing",
        (
            "data/guestwright/fsfreeze/request",
            "both",
            "host: `freeze SECONDS` or `thaw`; guest: removed when heard",
        ),
        ("data/guestwright/fsfreeze/state", "guest", "`frozen COUNT SECONDS`, `thawed`, `failed: WHY`"),
    ),
    *_words(
        "clipboard",
        (
            "data/set_clipboard",
            "both",
            "host: a chunk; guest: removed when taken; an empty chunk ends the text",
        ),
        (
            "data/report_clipboard",
            "both",
            "guest: a chunk; host: removed when taken; an empty chunk ends the text",
        ),
    ),
    *_words(
        "commands and files",
        (
            "data/guestwright/exec/host/{id}",
            "host",
            "chunks sent, chunks taken, and `cancel`; without it, no call",
        ),
        ("data/guestwright/exec/guest/{id}", "guest", "chunks sent, chunks taken, and `lost`"),
        (
            "data/guestwright/exec/in/{id}/{m}",
            "host",
            "a chunk: `r`, `R` of the request, `i`, `I` of the input",
        ),
        ("data/guestwright/exec/out/{id}/{m}", "guest", "a chunk: `o` output, `e` errors, `x` how it ended"),
    ),
)
