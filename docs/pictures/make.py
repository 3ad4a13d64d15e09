"""Makes the pictures of the docs: ``make pictures``. It takes Chromium, which Debian has as the package ``chromium``.

The page is that of the plan that the README shows, for the PBX that its examples speak of.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from pbxsync.sandbox import Sandbox

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent.parent / "README.md"
ADDRESS = "https://192.0.2.10"
#: What the PBX holds before the README's file is applied.
HELD = [
    {"name": "emergency", "matchpattern": "911", "trunks": "carrier-a,analog-line"},
    {"name": "local", "prefix": "9", "matchpattern": "NXXXXXX", "trunks": "carrier-a"},
    {"name": "old-fax", "prefix": "8", "matchpattern": "X.", "trunks": "analog-line"},
]


def page(folder: Path) -> str:
    """The page of the plan, with the address that the docs speak of."""
    (file,) = re.findall(r"```yaml\n(# yaml-language-server.*?)```", README.read_text(encoding="utf-8"), flags=re.S)
    folder.joinpath("hq.yaml").write_text(file.replace(f"  url: {ADDRESS}\n", ""), encoding="utf-8")
    with Sandbox(routes=HELD, tokens=["t"]) as pbx:
        done = subprocess.run(
            [sys.executable, "-m", "pbxsync", "plan", "hq.yaml", "--prune", "--format", "html"],
            cwd=folder,
            env={**os.environ, "PBXSYNC_URL": pbx.url, "PBXSYNC_TOKEN": "t"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.replace(pbx.url, ADDRESS)


def main() -> None:
    """Open the page, dial a number in it, and take the picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium here; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        path = Path(name) / "plan.html"
        path.write_text(page(Path(name)), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme="light")
        view.goto(path.as_uri())
        view.get_by_label("Number").first.fill("90116789234")
        view.screenshot(path=FOLDER / "plan.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
