"""Whether a text from outside holds a secret, in the spelling of a URL, of JSON, XML or HTML too."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets is in the text. Upper and lower case count as equal."""
    texts = {text, unquote(text), unquote_plus(text), html.unescape(text), html.unescape(unquote_plus(text))}
    lower = [each.lower() for each in texts]
    return any(spelling.lower() in each for secret in secrets for spelling in _spellings(secret) for each in lower)


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
    }
