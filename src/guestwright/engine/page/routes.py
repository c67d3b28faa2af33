"""Where the page is: `/`, `/login` and `/logout`, beside the API.

Theory of operation: a browser comes in with a token, which is kept in a cookie that no script sees and no
other site's request carries (HttpOnly, SameSite=Strict; RFC 6265bis, 4.1.2). The cookie opens this page only:
the API takes no cookies. Loopback makes no difference: other users of the machine are there, too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guestwright.base.errors import GuestwrightError
from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import AccountError
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.api.parts import Parts
from guestwright.engine.page.html import HEADERS, login, page, text
from guestwright.engine.page.status import status

COOKIE: Final = "guestwright"
_BODY_MAX: Final = 4096


def add_page(app: Starlette, parts: Parts, *, secure: bool) -> None:
    """Put the page beside the API.

    Args:
        app: of the API.
        parts: of the engine.
        secure: whether TLS is spoken, so that the cookie never travels without.
    """
    shown = _Page(parts, secure=secure)
    app.router.routes[:0] = [
        Route("/", shown.look, methods=["GET"]),
        Route("/login", shown.login, methods=["POST"]),
        Route("/logout", shown.logout, methods=["POST"]),
    ]


class _Page:
    """What the routes call."""

    def __init__(self, parts: Parts, *, secure: bool) -> None:
        self._parts = parts
        self._secure = secure

    async def look(self, request: Request) -> Response:
        given = request.cookies.get(COOKIE, "")
        if not given:
            return _answer(login(), HTTPStatus.UNAUTHORIZED)
        return await run_in_threadpool(self._shown, given, _remote(request))

    async def login(self, request: Request) -> Response:
        if not _same_site(request):
            return _answer(login("that came from another site"), HTTPStatus.FORBIDDEN)
        given = await _token(request)
        if given is None:
            return _answer(login("that is no form of this page"), HTTPStatus.BAD_REQUEST)
        return await run_in_threadpool(self._enter, given, _remote(request))

    async def logout(self, request: Request) -> Response:
        answer = _back()
        if _same_site(request):
            answer.delete_cookie(COOKIE, path="/", secure=self._secure, httponly=True, samesite="strict")
        return answer

    def _enter(self, given: str, remote: str) -> Response:
        try:
            self._who(given, remote)
        except AccountError as error:
            return _answer(login(error.message), HTTPStatus(error.http_status))
        except GuestwrightError as error:
            return _failed(error)
        answer = _back()
        answer.set_cookie(COOKIE, given, path="/", secure=self._secure, httponly=True, samesite="strict")
        return answer

    def _shown(self, given: str, remote: str) -> Response:
        try:
            return _answer(status(self._parts, self._who(given, remote).name))
        except AccountError as error:
            return _answer(login(error.message), HTTPStatus(error.http_status))
        except GuestwrightError as error:
            return _failed(error)

    def _who(self, given: str, remote: str) -> Principal:
        found = self._parts.tokens.accept(Secret(given), remote)
        found.require(Right.READ)
        return found


async def _token(request: Request) -> str | None:
    """The token of the form; None for a body that is none."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _BODY_MAX:
                return None
    except ClientDisconnect:
        return None
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=4)
    except ValueError:
        return None
    listed = found.get("token", [])
    return listed[0].strip() if len(listed) == 1 else None


def _same_site(request: Request) -> bool:
    """Whether a form is this page's own; browsers say where it comes from (Fetch standard, `Origin`)."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _remote(request: Request) -> str:
    return "" if request.client is None else request.client.host


def _answer(body: str, code: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(body, code, headers=HEADERS)


def _back() -> RedirectResponse:
    return RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=HEADERS)


def _failed(error: GuestwrightError) -> HTMLResponse:
    body = f'<p class="bad">{text(error.message)}</p><p class="muted">{text(error.advice)}</p>'
    return _answer(page("Guestwright", body), HTTPStatus(error.http_status))
