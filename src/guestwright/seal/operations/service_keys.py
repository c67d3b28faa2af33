"""Keys and self-signed certificates that packages make when they are installed or first started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Remove, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import PathRule, rules
from guestwright.seal.tables import single
from guestwright.seal.units import Unit, install

_SNAKEOIL_UNIT: Final = Unit(
    name="guestwright-snakeoil",
    description="Make a new self-signed certificate",
    command="/usr/sbin/make-ssl-cert generate-default-snakeoil",
    condition="!/etc/ssl/private/ssl-cert-snakeoil.key",
    before=("apache2.service", "nginx.service", "postfix.service", "exim4.service", "dovecot.service"),
    reason="the package makes the certificate only when it is installed",
)


def _remake_snakeoil(guest: Guest, options: Options, gone: Sequence[Change]) -> Iterator[Change]:
    """Install a unit that makes a new certificate before the servers that use it start."""
    del options
    if not any(isinstance(one, Remove) for one in gone):
        return
    if guest.os.init == "systemd":
        yield from install(guest, _SNAKEOIL_UNIT)
    else:
        yield Note(text="run make-ssl-cert generate-default-snakeoil in each clone")


OPERATIONS: Final = (
    Operation(
        name="snakeoil-certificate",
        summary="Remove Debian's self-signed certificate and have each clone make its own",
        severity=Severity.ERROR,
        default=False,
        applies=conditions.family("debian"),
        plan=rules(
            PathRule(
                globs=("/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/ssl/certs/ssl-cert-snakeoil.pem"),
                only_if=("/usr/sbin/make-ssl-cert",),
                secret=True,
                reason="TLS key that all clones would share",
            ),
            then=_remake_snakeoil,
        ),
        source="make-ssl-cert(8); services that start before the new one is made fail once, so off",
    ),
    single(
        "httpd-localhost-key",
        "Remove Apache's self-signed certificate",
        "/etc/pki/tls/{private/localhost.key,certs/localhost.crt}",
        only_if=("/usr/lib/systemd/system/httpd-init.service",),
        reason="TLS key that all clones would share; made again when Apache starts",
        source="httpd-init.service(8) of Fedora and Enterprise Linux",
    ),
    single(
        "cockpit-certificate",
        "Remove Cockpit's self-signed certificate",
        "/etc/cockpit/ws-certs.d/0-self-signed*",
        reason="TLS key that all clones would share; made again when Cockpit starts",
        source="cockpit-tls(8), certificate selection",
    ),
    single(
        "rndc-key",
        "Remove the key that controls BIND",
        "/etc/{rndc.key,bind/rndc.key}",
        reason="control key that all clones would share",
        source="rndc-confgen(8); Debian makes it only when the package is installed, so off",
        default=False,
    ),
    single(
        "dropbear-hostkeys",
        "Remove Dropbear's SSH host keys",
        "/etc/dropbear/dropbear_*_host_key",
        reason="SSH host key that all clones would share; dropbear -R makes it again",
        source="dropbear(8), -R; Debian makes them only when the package is installed, so off",
        default=False,
    ),
)
