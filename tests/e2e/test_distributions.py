"""What users install, built and run: the wheel, the sdist, and the editable install that developers use."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def pbxsync(home: Path, *arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    """Run the pbxsync that lies in ``home``, far from the checkout."""
    # Nor is coverage measured there: what runs is a copy of what the other tests cover.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PBXSYNC_", "COV"))}
    return subprocess.run(
        [sys.executable, "-m", "pbxsync", *arguments],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=where,
        env={**own, "PYTHONPATH": str(home), "PYTHONUTF8": "1"},
    )


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed into a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    (wheel,) = dist.glob("*.whl")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(home)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return home


def test_the_wheel_holds_the_package_its_types_the_schemas_and_the_licence_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    schemas = {f"pbxsync/schema/{path.name}" for path in (ROOT / "schema").glob("*.json")}
    assert schemas <= names
    assert {"pbxsync/py.typed", "pbxsync/__init__.py", "pbxsync/cli/apply.py"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"pbxsync"}


def test_the_installed_wheel_validates_plans_applies_and_prints_its_schemas(installed: Path, tmp_path: Path) -> None:
    example = tmp_path / "routes.yaml"
    example.write_bytes((ROOT / "routes.example.yaml").read_bytes())
    checked = pbxsync(installed, "validate", "routes.yaml", where=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout == "10 routes in 1 file: no problems, 10 tests passed.\n"
    applied = pbxsync(installed, "apply", "--sandbox", "routes.yaml", where=tmp_path)
    assert applied.returncode == 0, applied.stderr
    assert "10 applied" in applied.stdout
    planned = pbxsync(installed, "plan", "--sandbox", "--detailed-exitcode", "routes.yaml", where=tmp_path)
    assert planned.returncode == 0, planned.stdout
    schema = pbxsync(installed, "schema", "routes", where=tmp_path)
    assert schema.stdout == (ROOT / "schema" / "routes.schema.json").read_text(encoding="utf-8")


def test_the_wheel_that_ran_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    program = "import pbxsync, pbxsync.schemas as s; print(pbxsync.__file__); s.text('state')"
    result = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": os.environ.get("PATH", "")},
    )
    assert Path(result.stdout.strip()).is_relative_to(installed)


def test_an_unpacked_sdist_runs_and_finds_its_schemas(dist: Path, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    # The module's own program: extractall must get a filter from Python 3.12 on, and takes none before 3.11.4.
    subprocess.run([sys.executable, "-m", "tarfile", "-e", sdist, tmp_path], check=True)
    (home,) = tmp_path.iterdir()
    assert {"tests", "docs", "schema", "routes.example.yaml", "LICENSE"} <= {path.name for path in home.iterdir()}
    schema = pbxsync(home, "schema", "state", where=tmp_path)
    assert schema.stdout == (ROOT / "schema" / "state.schema.json").read_text(encoding="utf-8")
    assert pbxsync(home, "validate", "routes.example.yaml", where=home).returncode == 0


def test_the_installed_command_is_on_the_path_of_its_environment() -> None:
    command = Path(sys.executable).with_name("pbxsync.exe" if os.name == "nt" else "pbxsync")
    result = subprocess.run([command, "--version"], check=True, capture_output=True, text=True)
    assert result.stdout.startswith("pbxsync ")
