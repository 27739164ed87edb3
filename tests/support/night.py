"""What is done with more by night: `.ci/nightly` sets ENVLOCK_LONG_ATTACK."""

import os

from hypothesis import HealthCheck, settings

NIGHT = bool(os.environ.get("ENVLOCK_LONG_ATTACK"))


def examples(by_day: int) -> settings:
    """Let a law be tried with so many examples, and ten times as many by night."""
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(
        max_examples=by_day * 10 if NIGHT else by_day, deadline=None, suppress_health_check=slow
    )
