"""Tests of the artifacts that users install: wheel, source distribution and lock files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ROOT, names_in

from octave_mcp import __version__

COMMANDS = ("octave-mcp", "octave-playbook")
NO_INDEX = ("NewConnectionError", "Temporary failure in name resolution", "dns error", "Connection refused")
UV = (sys.executable, "-m", "uv")


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    ended = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean | (environment or {}), capture_output=True, text=True, check=False
    )
    if ended.returncode and any(sign in ended.stderr for sign in NO_INDEX):
        pytest.skip("no package index can be reached")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def build(*targets: str, source: Path, folder: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, *targets, cwd=source)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(source=ROOT, folder=folder)
    return folder


@pytest.fixture
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def files_of(wheel: Path) -> Sequence[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_the_source_distribution_builds_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    name = f"octave_playbook-{__version__}"
    assert names_in(built) - {".gitignore"} == {f"{name}-py3-none-any.whl", f"{name}.tar.gz"}

    with tarfile.open(built / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    build("-t", "wheel", source=tmp_path / name, folder=tmp_path)

    assert files_of(tmp_path / wheel.name) == files_of(wheel)


@pytest.mark.long
def test_both_commands_of_the_wheel_start_the_same_program(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    run(*UV, "pip", "install", "--offline", "--no-deps", "--target", installed, wheel, cwd=tmp_path)
    path = {"PYTHONPATH": str(installed)}

    versions = [run(installed / "bin" / name, "--version", cwd=tmp_path, environment=path) for name in COMMANDS]
    helps = [run(installed / "bin" / name, "--help", cwd=tmp_path, environment=path) for name in COMMANDS]

    assert versions == [f"{__version__}\n"] * 2
    assert helps[0] == helps[1]
    assert "Usage: octave-mcp COMMAND" in helps[0]


def test_recordings_are_in_the_wheel(tmp_path: Path) -> None:
    names = ("octave_mcp", "prompts", "README.md", "LICENSE", "pyproject.toml", ".gitignore")
    for path in (ROOT / name for name in names):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, tmp_path / path.name)
    recording = "octave_mcp/demo/recordings/acme.com+globex.com.json.gz"
    (tmp_path / recording).parent.mkdir(exist_ok=True)
    (tmp_path / recording).write_bytes(b"")
    build("-t", "wheel", source=tmp_path, folder=tmp_path)

    (wheel,) = tmp_path.glob("*.whl")
    assert recording in files_of(wheel)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_with_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    entries = [entry for entry in re.split(r"^(?=[\w.-])", text, flags=re.MULTILINE) if not entry.startswith("#")]
    pinned = {re.split(r"==|\[", entry)[0] for entry in entries if re.match(r"[\w.-]+==", entry)}

    assert all(re.match(r"[\w.-]+(\[[\w, -]+\])?==", entry) and "--hash=sha256:" in entry for entry in entries)
    assert {re.split(r"==|\[", entry)[0] for entry in entries} == pinned
    assert "://" not in text
    assert "find-links" not in text


@pytest.mark.long
def test_pip_installs_the_lock_and_the_wheel_into_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "fresh", cwd=tmp_path)
    programs = tmp_path / "fresh" / "bin"
    pip = programs / "python", "-m", "pip", "--quiet"

    run(*pip, "install", "--no-compile", "-r", ROOT / "requirements.lock", cwd=tmp_path)
    run(*pip, "install", "--no-compile", "--no-index", wheel, cwd=tmp_path)

    run(*pip, "check", cwd=tmp_path)
    assert run(programs / "octave-playbook", "--version", cwd=tmp_path) == f"{__version__}\n"
    assert "Usage: octave-mcp COMMAND" in run(programs / "octave-mcp", "--help", cwd=tmp_path)


@pytest.mark.long
def test_make_falls_back_to_pip_if_uv_fails(tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns(".venv", ".git", "__pycache__", "*-playbook")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=left_out)
    broken = tmp_path / "programs" / "uv"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 2\n")
    broken.chmod(0o755)

    run("make", ".venv/runtime", cwd=tmp_path / "copy", environment={"PATH": f"{broken.parent}:{os.environ['PATH']}"})

    assert run(".venv/bin/octave-mcp", "--version", cwd=tmp_path / "copy") == f"{__version__}\n"


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_uvx_runs_the_demo_from_the_wheel(name: str, wheel: Path, tmp_path: Path) -> None:
    locked = "--constraints", ROOT / "requirements.lock"

    run(*UV, "tool", "run", *locked, "--from", wheel, name, "demo", "--out", "demo", "--quiet", cwd=tmp_path)

    assert names_in(tmp_path / "demo") == {"playbook.html", "playbook.json", "playbook.md"}
