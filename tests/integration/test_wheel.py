"""What a user installs is a wheel, not this checkout: build it from the tracked files, install it elsewhere, run it.

The dependencies are lent by the Python that runs the tests, to be quick; `make wheel-check` sets
WHEEL_DEPENDENCIES=registry and has pip fetch them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[2]


def _run(*words: str | Path, cwd: Path) -> str:
    """What the program printed; the test fails with all its output if it ends badly."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{words}: exit status {done.returncode}\n{done.stdout}"
    return done.stdout


def _tracked_files() -> list[Path]:
    if shutil.which("git") is None or not (_ROOT / ".git").exists():
        pytest.skip("the files that belong to the project are known only in a git checkout")
    listing = _run("git", "-c", f"safe.directory={_ROOT}", "ls-files", "-z", cwd=_ROOT)
    return [Path(name) for name in listing.split("\0") if name and (_ROOT / name).is_file()]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files, with nothing that was built or only lies about."""
    copy = tmp_path_factory.mktemp("source")
    for name in _tracked_files():
        (copy / name.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(_ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def archives(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel built from that sdist."""
    output = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", output, source, cwd=output)
    (sdist,) = output.glob("*.tar.gz")
    (wheel,) = output.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a clean venv with the wheel in it."""
    _, wheel = archives
    venv = tmp_path_factory.mktemp("installed") / "venv"
    _run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv.parent)
    python = venv / "bin" / "python"
    pip = (
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--disable-pip-version-check",
    )
    if os.environ.get("WHEEL_DEPENDENCIES") == "registry":
        _run(*pip, wheel, cwd=venv.parent)
    else:
        _run(*pip, "--no-deps", "--no-index", wheel, cwd=venv.parent)
        # A path file is read after the venv's own packages, and path files beyond it are not read at all:
        # the editable install of this checkout stays out of sight.
        (packages,) = venv.glob("lib/python*/site-packages")
        (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


def test_the_wheel_holds_every_module_and_template(source: Path, archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        held = wheel.namelist()
    templates = {f"failover/templates/{path.name}" for path in (source / "templates").glob("*.j2")}
    modules = {str(path.relative_to(source)) for path in (source / "failover").rglob("*.py")}

    assert templates - set(held) == set()
    assert modules - set(held) == set()
    assert "failover/py.typed" in held
    assert [name for name in held if name.startswith(("tests/", "templates/", "docs/"))] == []


def test_the_sdist_holds_what_a_build_needs(source: Path, archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[0]) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    templates = {f"templates/{path.name}" for path in (source / "templates").glob("*.j2")}

    assert {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"} - held == set()
    assert templates - held == set()


def test_failover_is_imported_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    place = _run(installed / "python", "-c", "import failover; print(failover.__file__)", cwd=tmp_path)

    assert Path(place.strip()).is_relative_to(installed.parent)


def test_the_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    namespace: dict[str, str] = {}
    exec((_ROOT / "failover" / "__init__.py").read_text(), namespace)

    assert _run(installed / "failover", "--version", cwd=tmp_path) == f"failover {namespace['__version__']}\n"


def test_the_installed_command_makes_a_configuration_from_its_template(
    installed: Path, tmp_path: Path
) -> None:
    assert "nodes:" in _run(installed / "failover", "config", "generate", cwd=tmp_path)
