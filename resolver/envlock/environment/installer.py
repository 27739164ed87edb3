"""uv at work on single packages: one release in, one out, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.changes import Action, Step
from envlock.environment.failures import install_failure, patience, refuse_stalled
from envlock.environment.footprint import footprint
from envlock.environment.holding import at_work
from envlock.environment.inspect import prefix_of
from envlock.index.handover import uv_environment, uv_options, uv_program
from envlock.index.redact import redact
from envlock.index.ways import for_uv
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.system import run
from envlock.trees import remove


class Installer(Struct, frozen=True, kw_only=True):
    """uv at work in one environment.

    ``cache`` is a uv cache of its own for reinstalls: where uv links files
    from its cache, a file that was changed in place is changed there too.
    ``prefix`` is the environment that is fixed, whichever is worked on.
    """

    prefix: Path
    settings: IndexSettings
    cache: Path
    progress: Progress
    offline: bool = False

    def install(self, python: Path, step: Step) -> None:
        """Bring the release of a step, without what it needs."""
        words: list[str | Path] = ["install", "--no-deps"]
        if self.offline:
            words += ["--offline", *uv_options(replace(self.settings, refresh=False))]
        else:
            words += uv_options(self.settings)
        if step.action is Action.REINSTALL:
            words += ["--reinstall-package", step.package, "--cache-dir", self.cache]
        self._pip(python, [*words, f"{step.package}=={step.after}"])

    def uninstall(self, python: Path, step: Step) -> None:
        """Remove a package, as far as its RECORD knows it."""
        self._pip(python, ["uninstall", step.package])

    def _pip(self, python: Path, words: Sequence[str | Path]) -> None:
        verb, *rest = words
        with for_uv(self.settings) as settings, at_work(self.prefix) as held:
            done = run(
                [uv_program(), "pip", verb, "--python", python, *rest],
                # What a trial has fetched is taken from uv's cache.
                env=uv_environment(replace(settings, no_cache=False)),
                on_line=lambda line: self.progress.detail(redact(line)),
                inherit=held,
                stall=patience(self.settings),
            )
        refuse_stalled(done, self.settings)
        if done.returncode != 0:
            raise install_failure(str(prefix_of(python)), done.stderr)


def perform(python: Path, step: Step, installer: Installer) -> None:
    """Do one step; a reinstall removes whatever else lies among the package's files.

    Raises:
        WorkError: uv refused or failed.
    """
    prefix = prefix_of(python)
    match step.action:
        case Action.REMOVE:
            installer.uninstall(python, step)
        case Action.REINSTALL:
            entries = footprint(prefix, {step.package}).entries
            installer.uninstall(python, step)
            for entry in entries:
                remove(prefix / entry)
            installer.install(python, step)
        case Action.INSTALL | Action.UPGRADE | Action.DOWNGRADE:
            installer.install(python, step)
