"""The customising options of the command line: one table; CLI and documentation are made from it.

Kept apart from the parsers, so that `--help` and runs that customise nothing load nothing more than this.
"""

from __future__ import annotations

from typing import Final

from guestwright.base.record import record


@record(kw_only=False)
class CustomiseOption:
    """One option; `parse.parse_options` takes its values.

    Attributes:
        flag: with its dashes.
        metavar: of its value.
        help: one line.
        example: a value that works.
    """

    flag: str
    metavar: str
    help: str
    example: str


OPTIONS: Final[tuple[CustomiseOption, ...]] = (
    CustomiseOption("--hostname", "NAME", "Set the host name", "web1.example.com"),
    CustomiseOption("--timezone", "TZ", "Set the time zone", "Europe/Berlin"),
    CustomiseOption("--root-password", "SELECTOR", "Set root's password", "file:/root/pw"),
    CustomiseOption("--password", "USER:SELECTOR", "Set a user's password", "eve:random"),
    CustomiseOption("--password-crypto", "KIND", "Hash passwords with sha512 or yescrypt", "yescrypt"),
    CustomiseOption("--lock", "USER", "Lock a user's password", "eve"),
    CustomiseOption("--ssh-inject", "USER[:SELECTOR]", "Let a public key log in", "root:file:id.pub"),
    CustomiseOption("--firstboot", "SCRIPT", "Run a script at the first boot", "setup.sh"),
    CustomiseOption("--firstboot-command", "CMD", "Run a command at the first boot", "dnf -y up"),
    CustomiseOption("--write", "FILE:CONTENT", "Set a file's content", "/etc/motd:Hello"),
    CustomiseOption("--append-line", "FILE:LINE", "Append a line that is missing", "/etc/fstab:# end"),
    CustomiseOption("--edit", "FILE:s/RE/NEW/", "Substitute in each line", "/etc/issue:s/old/new/"),
    CustomiseOption("--upload", "LOCAL:DEST", "Write a local file into the guest", "motd:/etc/motd"),
    CustomiseOption("--copy-in", "LOCAL:DIR", "Copy a local file or directory into DIR", "site:/srv"),
    CustomiseOption("--copy", "SOURCE:DEST", "Copy within the guest", "/etc/motd:/etc/issue"),
    CustomiseOption("--move", "SOURCE:DEST", "Move within the guest", "/srv/a:/srv/b"),
    CustomiseOption("--mkdir", "DIR", "Create a directory and its parents", "/srv/www"),
    CustomiseOption("--delete", "GLOB", "Remove what matches, with all content", "/opt/old*"),
    CustomiseOption("--scrub", "GLOB", "Zero the data of what matches, then remove it", "/root/*.key"),
    CustomiseOption("--truncate", "FILE", "Empty a file", "/var/log/app.log"),
    CustomiseOption("--truncate-recursive", "DIR", "Empty all files below a directory", "/var/log"),
    CustomiseOption("--touch", "FILE", "Create an empty file where there is none", "/etc/marker"),
    CustomiseOption("--chmod", "MODE:FILE", "Set permission bits, always octal", "0600:/etc/secret"),
    CustomiseOption("--chown", "UID:GID:PATH", "Set the numeric owner", "1000:1000:/srv/www"),
    CustomiseOption("--link", "TARGET:LINK[:LINK…]", "Create symlinks to TARGET", "/srv/www:/var/www"),
    CustomiseOption("--commands-from-file", "FILE", "Take more of these options from a file", "commands"),
)
"""In the order of the documentation."""

REFUSED: Final = {
    "--run": "--firstboot SCRIPT",
    "--run-command": "--firstboot-command CMD",
    "--install": "--firstboot-command 'apt-get -y install PACKAGE' (or dnf, zypper, …)",
    "--uninstall": "--firstboot-command 'apt-get -y remove PACKAGE' (or dnf, zypper, …)",
    "--update": "--firstboot-command 'apt-get update && apt-get -y upgrade' (or dnf, zypper, …)",
    "--firstboot-install": "--firstboot-command 'apt-get -y install PACKAGE' (or dnf, zypper, …)",
}
"""Options of virt-sysprep that run code of the guest, and what to use instead; `parse_option` says so."""
