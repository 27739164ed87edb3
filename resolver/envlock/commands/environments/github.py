"""What a workflow of GitHub shows of `envlock verify`."""

from __future__ import annotations

from envlock.cli.github import Annotation, AnnotationLevel, annotate
from envlock.cli.output import say
from envlock.commands.summary import summarize
from envlock.outcomes import Crashed, Failed
from envlock.probes.proof import Proof


def tell_proof(proof: Proof, text: str) -> None:
    """Print what failed as annotations, and add the text of a proof to the summary of the step."""
    annotate(
        Annotation(
            message=each.detail,
            title=f"envlock verify: {each.level}",
            level=AnnotationLevel.ERROR if each.level in proof.gate else AnnotationLevel.WARNING,
        )
        for each in proof.outcomes
        if isinstance(each, Failed | Crashed)
    )
    verdict = "verified" if proof.passed else "NOT verified"
    say(f"{verdict} ({proof.python})")
    summarize(f"envlock: the environment is {verdict}", text)
