"""Traces of the old machine's users: command histories, keys, known hosts."""

from __future__ import annotations

from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules

_TYPED: Final = "what a user of the old machine typed, passwords included"

OPERATIONS: Final = (
    Operation(
        name="bash-history",
        summary="Remove the command history of bash",
        severity=Severity.WARNING,
        applies=conditions.unix,
        plan=rules(PathRule(globs=("~/.bash_history",), secret=True, reason=_TYPED)),
        parity=True,
        source="virt-sysprep(1), bash-history; homes of /etc/passwd besides",
    ),
    Operation(
        name="zsh-history",
        summary="Remove the command history of zsh",
        severity=Severity.WARNING,
        applies=conditions.unix,
        plan=rules(PathRule(globs=("~/.zsh_history",), secret=True, reason=_TYPED)),
        parity=True,
        source="virt-sysprep(1), zsh-history; homes of /etc/passwd besides",
    ),
    Operation(
        name="tool-histories",
        summary="Remove the histories of other shells, database clients, editors and pagers",
        severity=Severity.WARNING,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=(
                    "~/.*_history",
                    "~/.{history,histfile,zhistory,lesshst,viminfo,wget-hsts,dbshell,calc_history,psql_history-*}",
                    "~/.local/share/fish/fish_history",
                    "~/.local/state/{bash,python,mysql,psql,less}/history",
                    "~/.local/{state/lesshst,share/mc/history,share/nano/search_history}",
                    "~/.cache/{mc/history,python_history}",
                ),
                unless=("~/.bash_history", "~/.zsh_history"),
                secret=True,
                reason=_TYPED,
            )
        ),
        source="files of ash, ksh, fish, python, mysql, psql, sqlite3, node, less, vim, wget, mc",
    ),
    Operation(
        name="ssh-userdir",
        summary="Remove the users' .ssh directories",
        severity=Severity.WARNING,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("~/.ssh",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="keys and known hosts of the old machine's users",
            )
        ),
        parity=True,
        source="virt-sysprep(1), ssh-userdir; homes of /etc/passwd besides",
    ),
    Operation(
        name="ssh-known-hosts",
        summary="Remove the lists of known SSH hosts",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("~/.ssh/known_hosts*", "/etc/ssh/ssh_known_hosts*"),
                reason="names the hosts that the old machine talked to",
            )
        ),
        source="ssh(1), FILES; for those who keep authorized_keys by disabling ssh-userdir",
    ),
    Operation(
        name="user-secrets",
        summary="Remove the users' key rings and credentials for other services",
        severity=Severity.ERROR,
        default=False,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=(
                    "~/.{gnupg,aws,kube,azure,password-store}",
                    "~/.config/{gcloud,gh,rclone,doctl}",
                    "~/.local/share/keyrings",
                ),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="credentials of the old machine's users",
            ),
            PathRule(
                globs=(
                    "~/.{netrc,git-credentials,pgpass,my.cnf,npmrc,pypirc,vault-token}",
                    "~/.{docker/config.json,config/containers/auth.json,cargo/credentials*}",
                ),
                secret=True,
                reason="credentials of the old machine's users",
            ),
        ),
        source="documented credential files of the tools",
    ),
)
