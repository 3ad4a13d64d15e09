"""A reply over HTTP, and the status in its body → whether the call worked, or the error that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pbxsync.errors import AnswerLost, CallUnknown, LoginRefused, PbxError, Postponed, Refused
from pbxsync.refusals import hint, means_unknown_call
from pbxsync.secret_text import holds_secret
from pbxsync.transport import IS_IT_A_PBX
from pbxsync.urls import normal_url

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from urllib.parse import SplitResult

    from pbxsync.codec import Value
    from pbxsync.transport import Reply

_LOCKOUT = "a refused login is not repeated, since five in a row lock this address out for 10 minutes"


def check_http(call: str, reply: Reply, secrets: Collection[str]) -> None:
    """Raise what another status than 200 to 299 means; only with one of those comes an answer of the API.

    From 400 to 499, but for 408, something in front of the API said no: nothing was changed.
    """
    status = reply.status
    if 200 <= status < 300:
        return
    if status == 429:
        wait, later = _asked_to_wait(reply)
        raise Postponed(
            call, f"{call}: the PBX got too many requests (HTTP 429){later}; nothing was changed", wait=wait
        )
    if 300 <= status < 400:
        raise _redirected(call, reply, secrets)
    if status < 200 or status >= 500 or status == 408:  # the last gave up waiting for the request, and may have read it
        wait, later = _asked_to_wait(reply)
        message = f"{call}: the PBX answered HTTP {status}, which does not say what it did{later}"
        raise AnswerLost(call, message, wait=wait)
    if status in (404, 405):
        raise CallUnknown(call, f"{call}: the PBX does not know this call (HTTP {status}); {IS_IT_A_PBX}")
    raise Refused(call, f"{call}: the PBX refused the request (HTTP {status})")


def check_status(call: str, answer: Mapping[str, Value]) -> None:
    """Raise what another status than Success in the body means."""
    status = answer.get("status")
    if status == "Success":
        return
    if status != "Failed":
        # A text of its own is not repeated: it may hold what it was sent.
        said = "another status" if status else "no status"
        raise AnswerLost(call, f"{call}: the PBX answered with {said} instead of Success or Failed")
    errno = answer.get("errno")
    number = errno if isinstance(errno, str) and errno.isascii() and errno.isdigit() and len(errno) < 12 else None
    message = f"{call}: the PBX refused it ({hint(number)})"
    if means_unknown_call(number):
        raise CallUnknown(call, message, number)
    if call == "login":
        raise LoginRefused(call, f"{message}. Check user name and password; {_LOCKOUT}", number)
    raise Refused(call, message, number)


def _asked_to_wait(reply: Reply) -> tuple[int | None, str]:
    """How many seconds the PBX asks to be left alone for, and the same in words."""
    # The other form of the header is a date, by a clock that need not be this machine's.
    asked = reply.retry_after.strip()
    wait = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else None
    return wait, f", and asks to be left alone for {wait} s" if wait else ""


def _redirected(call: str, reply: Reply, secrets: Collection[str]) -> PbxError:
    """The error for a redirect: to the same call elsewhere (https, another host) it was not carried out.

    Another page, and any page after 303, may be shown after the call was carried out.
    """
    try:
        where = urlsplit(reply.location)
    except ValueError:
        where = urlsplit("")
    # Nothing else of the address: user name, port, path or query may be what was sent, with the token. The scheme is
    # one of two, and says nothing of a secret.
    shown = "" if holds_secret(where.hostname or "", secrets) else _scheme_and_host(where)
    target = f" to {shown}" if shown else ""
    way_out = "correct the url; a browser shows the whole address"
    message = f"{call}: the PBX redirects{target} (HTTP {reply.status}), which is not followed; {way_out}"
    same_call = reply.status != 303 and where.path.endswith(f"/{call}")
    return Refused(call, message) if same_call else AnswerLost(call, message)


def _scheme_and_host(where: SplitResult) -> str:
    """Scheme and host of an address; empty where it has none that a PBX can have."""
    host = where.hostname or ""
    try:
        return normal_url(f"{where.scheme}://{f'[{host}]' if ':' in host else host}")
    except ValueError:
        return ""
