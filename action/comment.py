"""The step that comments: the plan in its pull request, in one comment that each run brings up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import runner
from github_api import Refused, Unreachable, connected
from published import publish

ADVICE = (
    "The job needs the permission pull-requests: write. The token of a pull request from a fork can never write; "
    "the plan is in the job's summary"
)


def main() -> int:
    """Create or update the comment. A token that may not is a warning, for from a fork none may."""
    event = json.loads(Path(runner.needed("GITHUB_EVENT_PATH")).read_text(encoding="utf-8"))
    request = event.get("pull_request")
    if not request:
        raise runner.StepError("the event is no pull request, so there is nothing to comment on")
    markdown = Path(runner.needed("MARKDOWN")).read_text(encoding="utf-8")
    url = runner.variable("GITHUB_API_URL") or "https://api.github.com"
    try:
        with connected(url, runner.needed("GITHUB_REPOSITORY"), runner.variable("GITHUB_TOKEN")) as api:
            done = publish(api, request["number"], markdown + _footer(request))
    except Refused as refused:
        if refused.status not in (403, 404):
            raise runner.StepError(f"{_without_comment(refused)}. An older comment may show an older plan") from None
        runner.warning(f"{_without_comment(refused)}. {ADVICE}")
        return 0
    except Unreachable as fault:
        message = f"{_without_comment(fault)}. An older comment may show an older plan; run the job again"
        raise runner.StepError(message) from None
    print(f"The comment with the plan was {done}.")
    return 0


def _without_comment(error: Exception) -> str:
    return f"The plan could not be put into the pull request: {error}"


def _footer(request: dict[str, Any]) -> str:
    """Of which commit the comment is, for it stays where it is when others are pushed."""
    run = "/".join(
        (
            runner.needed("GITHUB_SERVER_URL"),
            runner.needed("GITHUB_REPOSITORY"),
            "actions/runs",
            runner.needed("GITHUB_RUN_ID"),
        )
    )
    return f"\nOf commit {str(request['head']['sha'])[:12]}, by [this run]({run}).\n"
