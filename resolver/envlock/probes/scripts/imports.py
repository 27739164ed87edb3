"""Imports distributions, each in a process of its own, and uses them once.

    python -I imports.py RESULTS PLAN

PLAN is a JSON file: ``flags`` of the interpreter, how many ``workers`` there
are at a time, the time limit of each in ``seconds``, and ``tasks``, each with
its ``level``, the ``modules`` to import and a line of Python to ``use`` them,
or "". RESULTS gets lines as every probe writes them; a death or hang of a
process is the outcome ``crashed``. One that somebody kills is tried once more,
alone. Folders and files go to the current folder.

Runs on CPython 3.6 and later with nothing but the standard library.
"""

import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback

LONGEST_TEXT = 8000  # characters
PAUSE = 0.02  # seconds between two looks
HOMES = ("HOME", "USERPROFILE", "KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
TEMPORARY = ("TMPDIR", "TEMP", "TMP")


def attempt(task):
    """Import the modules in this process and use them; return what came of it."""
    started = time.time()
    result = {"level": task["level"], "outcome": "passed", "detail": "imported"}
    try:
        for module in task["modules"]:
            importlib.import_module(module)
        if task["use"]:
            exec(compile(task["use"], "<one use of it>", "exec"), {})
            result["detail"] = "imported and used"
    except (Exception, SystemExit) as error:
        result.update(
            outcome="failed",
            error=type(error).__name__,
            detail=str(error)[:LONGEST_TEXT],
            traceback=traceback.format_exc()[-LONGEST_TEXT:],
        )
    result["seconds"] = round(time.time() - started, 3)
    return result


def run_one(results, plan, number, until):
    faulthandler.enable()
    faulthandler.dump_traceback_later(max(0.1, until - time.time() - 0.1 * plan["seconds"]))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    say(results, attempt(plan["tasks"][number]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # some libraries crash while they are unloaded


def say(results, fact):
    stream = os.open(results, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(stream, (json.dumps(fact) + "\n").encode("ascii"))
    os.close(stream)


class Child:
    """The process of one task."""

    def __init__(self, results, plan, path, number):
        self.number, self.limit = number, time.time() + plan["seconds"]
        self.folder = os.path.join(os.getcwd(), "import-%d" % number)
        os.makedirs(self.folder, exist_ok=True)
        self.said = os.path.join(self.folder, "envlock-said")
        places = dict.fromkeys(HOMES + TEMPORARY, self.folder)
        words = [sys.executable] + plan["flags"] + [os.path.abspath(__file__), results, path]
        with open(self.said, "wb") as output:
            self.process = subprocess.Popen(
                words + [str(number), str(self.limit)],
                cwd=self.folder,
                env=dict(os.environ, **places),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.timed_out = False

    def ended(self):
        if self.process.poll() is None and time.time() > self.limit:
            self.timed_out = True
            self.process.kill()
            self.process.wait()
        return self.process.poll() is not None

    def killed(self):
        return not self.timed_out and self.process.returncode == -9

    def crashed(self, level, seconds):
        with open(self.said, "rb") as stream:
            output = stream.read()[-LONGEST_TEXT:].decode("utf-8", "replace")
        detail = "no end within %g s" % seconds if self.timed_out else ending(self.process)
        return {
            "level": level,
            "outcome": "crashed",
            "detail": detail,
            "output": output,
            "stopped": self.timed_out or self.killed(),
        }


def ending(process):
    code = process.returncode
    if code >= 0:
        return "the interpreter left with exit status %d" % code
    try:
        return signal.Signals(-code).name
    except ValueError:
        return "signal %d" % -code


def told(results):
    if not os.path.exists(results):
        return set()
    with open(results, encoding="utf-8") as lines:
        return {json.loads(line)["level"] for line in lines}


def run_all(results, path, plan):
    waiting = list(range(len(plan["tasks"])))
    again, alone, running = [], False, []
    while waiting or again or running:
        if not (waiting or running):
            waiting, again, alone = again, [], True
        while waiting and len(running) < (1 if alone else plan["workers"]):
            running.append(Child(results, plan, path, waiting.pop(0)))
        for child in [each for each in running if each.ended()]:
            running.remove(child)
            level = plan["tasks"][child.number]["level"]
            if child.killed() and not alone:
                again.append(child.number)
            elif level not in told(results):
                say(results, child.crashed(level, plan["seconds"]))
        time.sleep(PAUSE)


def main(results, path, number=None, until=None):
    with open(path, encoding="utf-8") as stream:
        plan = json.load(stream)
    if number is not None:
        run_one(results, plan, int(number), float(until))
    run_all(results, path, plan)
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)  # what an import has started ends with it


if __name__ == "__main__":
    main(*sys.argv[1:])
