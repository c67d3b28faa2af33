"""What can go wrong with a call to a guest."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_UNSUPPORTED, GuestwrightError


class FeatureNotOffered(GuestwrightError):
    """The guest does not offer what is asked for."""

    code = "guest-call-not-offered"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.CONFLICT
    template = "the guest does not offer {feature}: {reason}"
    hint = (
        "the owner of the guest decides in /etc/guestwright/agent.toml; without an agent nothing is offered"
    )


class RefusedByGuest(GuestwrightError):
    """The owner of the guest does not allow this."""

    code = "guest-call-refused"
    http_status = HTTPStatus.FORBIDDEN
    template = "the guest refuses: {reason}"
    hint = "the owner of the guest decides in /etc/guestwright/agent.toml"


class FailedInGuest(GuestwrightError):
    """The guest tried and could not."""

    code = "guest-call-failed"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "the guest could not do it: {reason}"


class NoAnswer(GuestwrightError):
    """The guest's agent does not answer, or has forgotten the call."""

    code = "guest-call-unanswered"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "the guest's agent does not answer: {reason}"
    hint = "see what the agent says in the guest: journalctl -u guestwright-agent"
