"""Runs a probe where envlock is not installed, and fails when its gate is not passed.

    python -I gate.py FOLDER SECONDS SCRIPT GATE [OTHERS]

SCRIPT is a probe beside this file, GATE and OTHERS are its levels, joined by
commas: all of GATE must pass; OTHERS are told. What passed is written to the
folder FOLDER, which is made. Exit status 1 when the gate is not passed.

Runs on CPython 3.6 and later with nothing but the standard library.
"""

import json
import os
import subprocess
import sys
import tempfile

LONGEST_OUTPUT = 8000  # characters


def outcomes(script, seconds):
    """Run the probe to its end; return level → outcome, the level it died in, and its output."""
    with tempfile.TemporaryDirectory() as folder:
        results = os.path.join(folder, "results.jsonl")
        said = os.path.join(folder, "said")
        with open(said, "wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-B", script, results, str(seconds)],
                cwd=folder,
                env=dict(os.environ, TMPDIR=folder, TEMP=folder, TMP=folder),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                ended = process.wait(seconds)
                how = "the interpreter left with exit status %d" % ended
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                how = "no end within %g s" % seconds
        found, started = read(results)
        with open(said, "rb") as output:
            text = output.read().decode("utf-8", "replace")[-LONGEST_OUTPUT:]
    for level in started:
        found.setdefault(level, {"outcome": "crashed", "detail": how})
    return found, text


def read(results):
    found, started = {}, []
    if os.path.exists(results):
        with open(results, encoding="utf-8") as lines:
            for line in lines:
                try:
                    fact = json.loads(line)
                except ValueError:  # the interpreter died while it wrote
                    break
                if "level" in fact:
                    found[fact["level"]] = fact
                else:
                    started.append(fact["start"])
    return found, started


def told(fact):
    """Say in one line how a level came out."""
    error = "%s: " % fact["error"] if "error" in fact else ""
    lines = ("%s%s" % (error, fact.get("detail", ""))).strip().splitlines()
    return lines[0] if lines else ""


def main(folder, seconds, script, gate, others=""):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), script)
    found, output = outcomes(path, float(seconds))
    asked = gate.split(",")
    proof = {"passed": [], "not passed": {}}
    missed = []
    for level in asked + [each for each in others.split(",") if each]:
        fact = found.get(level, {"outcome": "not reached"})
        print("%-12s %-14s %s" % (fact["outcome"], level, told(fact)))
        if fact["outcome"] == "passed":
            proof["passed"].append(level)
        else:
            proof["not passed"][level] = told(fact)
            if level in asked:
                missed.append((level, fact))
    if missed:
        for level, fact in missed:
            print(fact.get("traceback") or output)
        sys.exit("NOT verified: %s" % ", ".join(level for level, _ in missed))
    os.makedirs(folder, exist_ok=True)
    name = os.path.splitext(os.path.basename(script))[0] + ".json"
    with open(os.path.join(folder, name), "w") as file:
        json.dump(proof, file, indent=1, sort_keys=True)
        file.write("\n")
    print("verified")


if __name__ == "__main__":
    main(*sys.argv[1:])
