"""Previews of plans → one HTML page for those who review them. It loads nothing and runs its own scripts alone."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pbxsync.model import Action
from pbxsync.render.drawing import pattern_text
from pbxsync.render.page_view import IMPACT_OPEN, SIGNS, is_quiet, plan_views
from pbxsync.text import callers_in_words, numbers_in_words, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Preview, Problem

_SCRIPTS = ("dial.js", "search.js")
_STYLE = "page.css"


def plans_html(
    previews: Sequence[Preview],
    problems: Sequence[Problem] = (),
    errors: Sequence[tuple[str | None, str]] = (),
) -> str:
    """The page of these plans.

    ``problems`` are those of the files; ``errors`` are pairs of a file and what kept it from being planned, a file of
    None stands for the whole run.
    """
    loud = [preview for preview in previews if not is_quiet(preview.plan)]
    return (
        _environment()
        .get_template("page.html")
        .render(
            views=plan_views(loud),
            quiet=[preview.plan for preview in previews if is_quiet(preview.plan)],
            plans=[preview.plan for preview in previews],
            problems=problems,
            errors=errors,
        )
    )


@cache
def _environment() -> Environment:
    """The templates, with what they call. Whatever they show passes through `printable`, and is escaped."""
    environment = Environment(
        loader=PackageLoader("pbxsync.render", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, scripts = _part(_STYLE), [_part(name) for name in _SCRIPTS]
    environment.filters |= {"json": _json, "pattern": pattern_text}
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - the package's own file
        "scripts": [Markup(script) for script in scripts],  # noqa: S704 - likewise
        "policy": _policy(style, scripts),
        "Action": Action,
        "signs": SIGNS,
        "numbers_in_words": numbers_in_words,
        "callers_in_words": callers_in_words,
        "impact_open": IMPACT_OPEN,
        "kinds": {"LOST": "✗", "ELSEWHERE": "≠", "DIGITS": "#", "NEW": "+"},
    }
    return environment


def _part(name: str) -> str:
    return files("pbxsync.render").joinpath("page", name).read_text(encoding="utf-8")


def _policy(style: str, scripts: Sequence[str]) -> str:
    """The Content-Security-Policy: nothing is loaded, and the style and scripts in the page are known by hash."""
    allowed = " ".join(map(_hash, scripts))
    return f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _shown(value: Any) -> Any:
    """What the templates show of a value: text as `printable` has it, markup of the page's own as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)


def _json(value: object) -> Markup:
    """A value as JSON that may stand in a script element: no sign of it can end that, or means anything to HTML."""
    text = json.dumps(value, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - it holds none of HTML's signs
