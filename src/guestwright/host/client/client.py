"""The operations of a host service as calls. Answers are the JSON of `docs/host-api.md`, as dictionaries."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from guestwright.host.client.asking import Asking
from guestwright.host.client.errors import HostAnswerBad, NameNotUnique, NoSuchGuest

Json = dict[str, Any]


class HostClient(Asking):
    """A client of one service; for one thread at a time."""

    def about(self) -> Json:
        """The service and what it stands on."""
        return self._object(self.get("/v1"))

    def whoami(self) -> Json:
        """Who this client is to the service."""
        return self._object(self.get("/v1/whoami"))

    def domains(self) -> list[Json]:
        """All domains of the host."""
        return list(self.get("/v1/domains")["domains"])

    def find(self, name: str) -> Json:
        """The domain of a name or uuid.

        Raises:
            NoSuchGuest: there is none.
            NameNotUnique: there are several.
        """
        found = [one for one in self.domains() if name in (one["domain"]["name"], one["domain"]["uuid"])]
        exact = [one for one in found if one["domain"]["uuid"] == name] or found
        if not exact:
            raise NoSuchGuest(name=name, address=str(self.address))
        if len(exact) > 1:
            uuids = ", ".join(one["domain"]["uuid"] for one in exact)
            raise NameNotUnique(name=name, address=str(self.address), count=len(exact), uuids=uuids)
        return exact[0]

    def guests(self) -> list[Json]:
        """What is known of the guests in all domains that run."""
        return list(self.get("/v1/guests")["guests"])

    def guest(self, uuid: str) -> Json | None:
        """What is known of the guest in a domain; None when that does not run."""
        found: Json | None = self.get(f"/v1/domains/{_word(uuid)}/guest")["guest"]
        return found

    def capabilities(self, uuid: str) -> list[Json]:
        """What may be done with a domain now."""
        return list(self.get(f"/v1/domains/{_word(uuid)}/capabilities")["capabilities"])

    def power(self, uuid: str, action: str) -> Json:
        """Change a domain's power state; the domain afterwards."""
        return self._object(self.post(f"/v1/domains/{_word(uuid)}/power", {"action": action}))

    def drive(self, uuid: str, target: str) -> str:
        """The path of a domain's drive, to be asked for with PUT (a medium) and DELETE (eject)."""
        return f"/v1/domains/{_word(uuid)}/drives/{_word(target)}"

    def jobs(self, status: str | None = None) -> list[Json]:
        """All jobs, or those of one status, oldest first."""
        return list(self.get("/v1/jobs", status=status)["jobs"])

    def job(self, name: str, wait: int = 0) -> Json:
        """A job; with `wait`, when it has ended or after that many seconds (at most 50)."""
        return self._object(self.get(f"/v1/jobs/{_word(name)}", wait=wait or None))

    def submit_job(self, kind: str, parameters: Json, name: str = "") -> Json:
        """Begin a job; the same again, under the same name, gets the job that is there."""
        body = {"kind": kind, "parameters": parameters, "id": name}
        return self._object(self.post("/v1/jobs", body))

    def cancel_job(self, name: str) -> Json:
        """Have a job given up."""
        return self._object(self.post(f"/v1/jobs/{_word(name)}/cancel"))

    def collect_job(self, name: str) -> Json:
        """The job with its result; the service forgets it."""
        return self._object(self.post(f"/v1/jobs/{_word(name)}/collect"))

    def _object(self, found: Any) -> Json:
        if not isinstance(found, dict):
            raise HostAnswerBad(address=str(self.address), request="it", problem="no JSON object")
        return found


def _word(text: str) -> str:
    return quote(text, safe="")
