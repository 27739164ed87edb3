"""A run over readers: inputs from the corpus, each held to its own errors and to two seconds."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envlock.index import secrets
from support.fuzz.mutators import mutated
from support.fuzz.pumped import pumped
from support.fuzz.readers import READERS, Reader
from support.pace import known_seconds

FOLDER = Path(__file__).parents[2] / "fuzz"
LONGEST = 2.0  # seconds of processor time that an input may take
_HANGS = 20  # seconds after which it is stopped


@dataclass(frozen=True)
class Fault:
    """An input that ended in something else than words."""

    reader: str
    content: bytes
    why: str
    trace: str = ""

    def __str__(self) -> str:
        head = f"{self.content[:200]!r} ({len(self.content)} bytes)"
        return f"{self.reader}: {self.why}: {head}\n{self.trace}"


def corpus(reader: Reader) -> list[bytes]:
    """Return the files that a reader's inputs are made from."""
    files = sorted((FOLDER / "corpus" / reader.name).iterdir())
    return [file.read_bytes() for file in files]


def crashes() -> Iterator[tuple[str, Path]]:
    """Yield every input that was a crash once, with its reader's name."""
    for folder in sorted((FOLDER / "crashes").iterdir()):
        for file in sorted(folder.iterdir()):
            yield folder.name, file


@contextmanager
def workplace(reader: Reader) -> Iterator[Path]:
    """Give the path of the file that the reader reads, with what stands around it."""
    memory = "/dev/shm"  # noqa: S108  (where there is one, files cost nothing)
    with tempfile.TemporaryDirectory(dir=memory if os.path.isdir(memory) else None) as name:  # noqa: PTH112
        folder = Path(name)
        for place, text in (reader.around or {}).items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text)
        path = folder / reader.place
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path


def tried(reader: Reader, path: Path, content: bytes) -> Fault | None:
    """Read one input; return what is wrong with how that ended, or with when."""
    begun = time.process_time()
    wrong = _ended(reader, path, content)
    if wrong is not None or time.process_time() - begun < LONGEST:
        return wrong
    took = known_seconds(lambda: _ended(reader, path, content), enough=LONGEST)
    return None if took < LONGEST else Fault(reader.name, content, f"took {took:.1f} s")


def _ended(reader: Reader, path: Path, content: bytes) -> Fault | None:
    path.write_bytes(content)
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _HANGS)
    try:
        reader.read(path)
    except reader.allowed as error:
        try:
            str(error).encode(errors="surrogateescape")
        except UnicodeEncodeError as unprintable:
            return Fault(reader.name, content, repr(unprintable))
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return Fault(reader.name, content, repr(error)[:300], traceback.format_exc()[-1500:])
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        secrets.forget()  # those of a run are known to its process
    return None


def _stop(*_: object) -> None:
    raise TimeoutError(f"no end within {_HANGS} s")


def slow(every: int = 1, only: Sequence[str] = ()) -> Iterator[Fault]:
    """Yield what is wrong with how readers end that are given long runs; of them, one in some."""
    number = 0
    for reader in (each for each in READERS if not only or each.name in only):
        with workplace(reader) as path:
            for content in pumped(corpus(reader)[0]):
                number += 1
                if number % every == 0 and (fault := tried(reader, path, content)) is not None:
                    yield fault


def fuzzed(
    inputs: int, *, seed: int = 0, seconds: float = float("inf"), only: Sequence[str] = ()
) -> Iterator[tuple[Reader, int, list[Fault]]]:
    """Yield for each reader how many inputs it was given, and the faults; by turns of readers."""
    chosen = [each for each in READERS if not only or each.name in only]
    end = time.monotonic() + seconds
    for number, reader in enumerate(chosen):
        chance = random.Random(f"{seed} {reader.name}")  # noqa: S311  (to be repeated)
        seeds = corpus(reader)
        share = (end - time.monotonic()) / (len(chosen) - number)
        stop = time.monotonic() + share
        faults: list[Fault] = []
        count = 0
        with workplace(reader) as path:
            for content in _inputs(reader, seeds, chance, inputs // len(chosen) + 1):
                count += 1
                fault = tried(reader, path, content)
                if fault is not None:
                    faults.append(fault)
                if time.monotonic() > stop or len(faults) > 20:
                    break
        yield reader, count, faults


def _inputs(
    reader: Reader, seeds: Sequence[bytes], chance: random.Random, count: int
) -> Iterator[bytes]:
    yield from seeds
    for _ in range(count - len(seeds)):
        yield mutated(chance.choice(seeds), reader.language, seeds, chance)
