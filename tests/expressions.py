"""GitHub's ``${{ … }}`` as far as an action needs them: contexts, text, ``== != ! && ||``, brackets, status functions.

What it doesn't know fails the test; GitHub would, or would do something that nobody has checked here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = re.compile(r"\s*(==|!=|&&|\|\||!|\(|\)|'(?:[^']|'')*'|[A-Za-z_][\w.-]*)")


def substituted(text: str, context: Mapping[str, Any]) -> str:
    """The text with every ``${{ … }}`` replaced by its value."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(value(found[1], context)), text)


def holds(condition: str, context: Mapping[str, Any]) -> bool:
    """Whether an ``if`` lets its step run. Without a status function, success() is meant with it."""
    found = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", condition)
    inner = found[1] if found else condition
    if not re.search(r"\b(always|cancelled|failure|success)\(\)", inner):
        inner = f"success() && ({inner})"
    return bool(value(inner, context))


def value(expression: str, context: Mapping[str, Any]) -> Any:
    """What an expression stands for."""
    reader = _Reader(_tokens(expression), context)
    result = reader.either()
    assert not reader.left, f"what is {reader.left} in {expression!r}?"
    return result


def _tokens(expression: str) -> list[str]:
    found = []
    at = 0
    while expression[at:].strip():
        token = TOKEN.match(expression, at)
        assert token, f"what is {expression[at:]!r}?"
        found.append(token[1])
        at = token.end()
    return found


def _text(result: Any) -> str:
    return str(result).lower() if isinstance(result, bool) else "" if result is None else str(result)


class _Reader:
    def __init__(self, left: list[str], context: Mapping[str, Any]) -> None:
        self.left = left
        self.context = context

    def _take(self, *wanted: str) -> str | None:
        return self.left.pop(0) if self.left and self.left[0] in wanted else None

    def either(self) -> Any:
        result = self._both()
        while self._take("||"):
            other = self._both()
            result = result or other
        return result

    def _both(self) -> Any:
        result = self._compared()
        while self._take("&&"):
            other = self._compared()
            result = result and other
        return result

    def _compared(self) -> Any:
        result = self._one()
        while sign := self._take("==", "!="):
            # GitHub compares text in any case.
            same = _text(result).lower() == _text(self._one()).lower()
            result = same if sign == "==" else not same
        return result

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            result = self.either()
            assert self._take(")")
            return result
        token = self.left.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._take("("):
            assert self._take(")")
            return self.context["functions"][token]
        return self._looked_up(token)

    def _looked_up(self, name: str) -> Any:
        first, *rest = name.split(".")
        found = self.context[first]
        for key in rest:
            # As on GitHub, what isn't there is null. A misspelt input is caught by the schema's test of the inputs.
            found = found.get(key) if found is not None else None
        return found
