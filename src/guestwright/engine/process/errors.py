"""What keeps the engine from running."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_UNSUPPORTED, EXIT_USAGE, GuestwrightError


class EngineProcessError(GuestwrightError):
    """Base of these errors."""

    code = "engine-process"
    template = "{problem}"


class BadEngineSettings(EngineProcessError):
    """A setting is wrong."""

    code = "engine-bad-settings"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{path}: {key}: {problem}"
    hint = "docs/engine.md lists the settings"


class EngineDirectoryUnfit(EngineProcessError):
    """Its directory cannot be used."""

    code = "engine-directory"
    template = "the directory {directory} cannot be used: {problem}"
    hint = "it must belong to the user that runs the engine; --directory names another"


class EngineRunsHere(EngineProcessError):
    """Another one runs in this directory."""

    code = "engine-runs-already"
    http_status = HTTPStatus.CONFLICT
    template = "an engine runs in {directory} already (process {holder})"
    hint = "end it first, or give --directory"


class EnginePortTaken(EngineProcessError):
    """It cannot listen there."""

    code = "engine-cannot-listen"
    template = "the engine cannot listen at {address}: {problem}"
    hint = "--listen gives another address, such as 127.0.0.1:8421"


class EnginePartFailed(EngineProcessError):
    """A part has ended by a fault."""

    code = "engine-part-failed"
    template = "a part of the engine has failed: {problem}"
    hint = "the log says more; start it again"


class NoHypervisorHere(EngineProcessError):
    """There is nothing that runs machines."""

    code = "engine-no-hypervisor"
    exit_status = EXIT_UNSUPPORTED
    template = "no hypervisor answers at {uri}: {problem}"
    hint = (
        "on Debian: apt install qemu-system-x86 libvirt-daemon-system python3-libvirt, then systemctl start "
        "libvirtd, or give --hypervisor embed, which needs no daemon; --hypervisor fake is to look around"
    )


class HostServiceFailed(EngineProcessError):
    """The host service that was started with the engine does not come up."""

    code = "engine-host-service"
    template = "the host service of this machine does not come up: {problem}"
    hint = "what it says is in the log, above"
