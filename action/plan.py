"""The step that plans: once, into the log, the job's summary, files for later steps, and outputs.

It doesn't fail where the plan does; the last step does, when everybody has been told.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import destination
import runner
import settings
from program import pbxsync

#: The renderings, and how the file of each ends.
REPORTS = {"json": "json", "markdown": "md", "html": "html"}
ACTIONS = ("add", "update", "delete", "move")


def main() -> int:
    """Plan, and set the outputs."""
    destination.check()
    folder = Path(tempfile.mkdtemp(prefix="pbxsync-", dir=runner.needed("RUNNER_TEMP")))
    reports = {kind: folder / f"plan.{ending}" for kind, ending in REPORTS.items()}
    saved = settings.file("plan-file")
    if saved:
        # Nobody shall take the plan of another run for this one's, nor a link in the checkout lead the plan elsewhere.
        Path(saved).unlink(missing_ok=True)
    options = [f"--report={kind}={path}" for kind, path in reports.items()]
    options += [f"--comment-key={settings.value('comment-key')}"]
    options += [f"--out={saved}"] if saved else []
    arguments = (*settings.plan_options(), *options, *settings.files())
    with runner.no_commands():
        code = pbxsync("plan", "--format", "text", *arguments)
    if not reports["markdown"].is_file():
        reports["markdown"].write_text(_failure(code, settings.value("comment-key")), encoding="utf-8", newline="\n")
    runner.summarize(reports["markdown"].read_text(encoding="utf-8"))
    runner.output(
        exit_code=code or runner.variable("VALIDATED") or 0,
        plan=saved if saved and Path(saved).is_file() else "",
        **{kind: path if path.is_file() else "" for kind, path in reports.items()},
        **counts(reports["json"]),
    )
    return 0


def counts(report: Path) -> dict[str, object]:
    """What the outputs say of the plans; of a run that ended without any, nothing."""
    try:
        plans: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["plans"]
    except FileNotFoundError:
        plans = []
    if not plans:
        return dict.fromkeys(("changes", *ACTIONS, "impact"), "")
    impacts = [plan["impact"] for plan in plans]
    return {
        "changes": str(any(plan["changes"] for plan in plans)).lower(),
        **{action: sum(plan["summary"][action] for plan in plans) for action in ACTIONS},
        # Of a plan that didn't work it out it is null, and then the sum would be too small.
        "impact": "" if None in impacts else sum(map(len, impacts)),
    }


def _failure(code: int, key: str) -> str:
    """What is shown in the place of a plan, so that nobody takes an older one for it."""
    from pbxsync.render.markdown import plans_markdown

    why = f"pbxsync plan ended with exit code {code} before there was a plan; the log of this job says why"
    return plans_markdown((), (), [(None, why)], marker=key)
