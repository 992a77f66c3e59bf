"""How the programs of Go, Java and PHP are built, where their tools are installed."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
KIT = HERE.parents[1] / "docs/verify"
NIMBUS = ".m2/repository/com/nimbusds/nimbus-jose-jwt/*/nimbus-jose-jwt-*.jar"
"""Where Maven keeps the one library that the Java file needs."""
GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")


def _jars() -> list[Path]:
    return sorted(each for each in Path.home().glob(NIMBUS) if "-sources" not in each.name)


def _go(folder: Path) -> list[str]:
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    command = [str(GO), "build", "-o", str(folder / "program"), "."]
    subprocess.run(command, cwd=HERE / "go", env=environment, check=True, timeout=300)
    return [str(folder / "program")]


def _java(folder: Path) -> list[str]:
    path = [str(_jars()[-1]), str(folder)]
    sources = [str(KIT / "java/EidVerify.java"), str(HERE / "java/Program.java")]
    compile_ = ["javac", "-Xlint:all", "-Werror", "-cp", path[0], "-d", path[1], *sources]
    subprocess.run(compile_, check=True, timeout=300)
    return ["java", "-cp", os.pathsep.join(path), "Program"]


def _php(_: Path) -> list[str]:
    return ["php", str(HERE / "php/program.php")]


LANGUAGES: dict[str, Callable[[Path], list[str]]] = {"go": _go, "java": _java, "php": _php}
_FOUND = {
    "go": GO,
    "java": shutil.which("java") and shutil.which("javac") and _jars(),
    "php": shutil.which("php"),
}
INSTALLED = [name for name in LANGUAGES if _FOUND[name]]
