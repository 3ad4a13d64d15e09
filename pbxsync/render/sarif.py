"""Problems → a SARIF 2.1.0 log, which code scanning reads and shows at their lines."""

from __future__ import annotations

import json
import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pbxsync import __version__
from pbxsync.render.places import STDIN, absolute
from pbxsync.render.sarif_rules import RULES
from pbxsync.text import printable, safe_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePath

    from pbxsync.model import Problem

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What a relative address of a file is relative to.
_BASE = "%SRCROOT%"
#: How pbxsync counts lines; SARIF's own default knows no CR alone.
_LINE_ENDS = ["\r\n", "\n", "\r"]
#: What a reader of SARIF could take for a link, or for one of the signs that keep it from being one.
_LINK = re.compile(r"\]\(|\\[\\\[\]]")


def problems_sarif(problems: Sequence[Problem], folder: PurePath, root: PurePath | None = None) -> str:
    """Return what ``validate --format sarif`` prints: one run, with a result for each problem.

    ``folder`` is the absolute path of the one that relative names of files start from. Files in ``root``, such as a
    repository's (by default the same folder), are named relative to it, others by whole ``file:`` addresses.
    """
    rules = sorted({problem.rule for problem in problems})
    seen: Counter[str] = Counter()
    results = []
    for problem in problems:
        place = _place(problem.location.file, folder, root or folder)
        mark = _mark(problem, place["uri"])
        seen[mark] += 1
        results.append(_result(problem, rules.index(problem.rule), place, f"{mark}:{seen[mark]}"))
    return _log(True, rules, results=results, columnKind="unicodeCodePoints", newlineSequences=_LINE_ENDS)


def failure_sarif(message: str) -> str:
    """The log of a run that failed before it came to any file.

    It has no list of results at all: an empty one would say that every problem known so far is mended.
    """
    notification = {"level": "error", "message": {"text": _plain(message)}}
    return _log(False, [], notification)


def _log(successful: bool, rules: Sequence[str], *notifications: dict[str, Any], **parts: Any) -> str:
    driver = {
        "name": "pbxsync",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in rules],
    }
    invocation: dict[str, Any] = {"executionSuccessful": successful}
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {
            _BASE: {"description": {"text": "The repository's root, or the folder that pbxsync ran in."}}
        },
        **parts,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return safe_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    what, mend = RULES[rule]
    return {
        "id": rule,
        "shortDescription": {"text": what},
        "fullDescription": {"text": f"{what} {mend}"},
        "help": {"text": f"{mend} More: docs/rules.md#{rule}", "markdown": f"{mend}\n\nMore: `docs/rules.md#{rule}`"},
    }


def _result(problem: Problem, index: int, place: dict[str, str], fingerprint: str) -> dict[str, Any]:
    at = problem.location
    region = {"startLine": at.line, "startColumn": at.column}
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": str(problem.severity),
        "message": {"text": _plain(problem.message)},
        "locations": [{"physicalLocation": {"artifactLocation": place, "region": region}}],
        "partialFingerprints": {"pbxsync/v1": fingerprint},
    }


def _mark(problem: Problem, uri: str) -> str:
    """What stays the same of a problem when lines move. Some messages name a line."""
    message = re.sub(r"\bline [0-9]+", "line", problem.message)
    return sha256(json.dumps([problem.rule, uri, message]).encode()).hexdigest()[:32]


def _plain(message: str) -> str:
    r"""A message without links: SARIF reads ``[text](target)`` as one, and ``\[`` as a bracket that begins none.

    Others are left as they are, for not every reader takes such a ``\`` away, and dial patterns are full of brackets.
    """
    text = printable(message)
    return re.sub(r"([\\\[\]])", r"\\\1", text) if _LINK.search(text) else text


def _place(file: str, folder: PurePath, root: PurePath) -> dict[str, str]:
    if file == STDIN:
        return {"uri": quote(file)}  # it is relative to nothing
    path = absolute(file, folder)
    if path.is_relative_to(root):
        return {"uri": _quoted(path.relative_to(root).as_posix()), "uriBaseId": _BASE}
    return {"uri": _file_uri(path)}


def _file_uri(path: PurePath) -> str:
    drive = path.drive.replace("\\", "/")
    rest = _quoted("/" + path.as_posix().removeprefix(drive).lstrip("/"))
    if drive.startswith("//"):  # a share: its server stands where an address has a host
        return f"file:{_quoted(drive)}{rest}"
    return f"file:///{drive}{rest}" if drive else f"file://{rest}"


def _quoted(path: str) -> str:
    try:
        data = path.encode("utf-8", "surrogateescape")  # the bytes of a name that is no UTF-8
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")  # half a surrogate, which names may hold on Windows
    return quote(data, safe="/")
