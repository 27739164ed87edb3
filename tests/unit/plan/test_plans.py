"""The smallest change comes first; more is let go only when it must be."""

from collections.abc import Callable

from packaging.utils import canonicalize_name

from envlock.changes import Action, Plan
from envlock.plan import Owners

Cure = Callable[..., list[Plan]]

ILL = ("tensorflow==2.15.0", "keras==2.15.0", "numpy==2.0.2", "bystander==1.0")


def words(plans: list[Plan]) -> list[str]:
    return list(map(str, plans))


def test_only_what_the_rule_names_moves_though_newer_releases_are_there(cure: Cure) -> None:
    assert words(cure(*ILL, "reader==1.0")) == ["numpy 2.0.2 → 1.26.4"]


def test_the_reason_is_the_rule_and_its_sentence(cure: Cure) -> None:
    (plan,) = cure(*ILL)
    (step,) = plan.steps
    assert step.action is Action.DOWNGRADE
    assert step.rules == ("numpy2-tf-abi",)
    assert step.because.startswith("The extension modules of every TensorFlow before 2.18")


def test_a_neighbour_in_the_way_is_let_go_and_its_reason_is_what_moves(cure: Cure) -> None:
    (plan,) = cure(*ILL, "reader==2.0")
    assert str(plan) == "numpy 2.0.2 → 1.26.4, reader 2.0 → 1.0"
    assert plan.steps[1].because == "because numpy moves"


def test_neighbours_of_neighbours_are_let_go_when_nothing_less_will_do(cure: Cure) -> None:
    (plan,) = cure(*ILL, "reader==2.0", "viewer==1.0")
    assert str(plan) == "numpy 2.0.2 → 1.26.4, reader 2.0 → 1.0, viewer 1.0 → 0.9"


def test_when_the_demanded_package_is_kept_the_framework_moves_to_another_minor(
    cure: Cure,
) -> None:
    (plan,) = cure(*ILL, keep="numpy")
    assert str(plan) == "keras 2.15.0 → 3.5.0, tensorflow 2.15.0 → 2.18.0"


def test_nothing_cures_when_both_sides_are_kept(cure: Cure) -> None:
    assert cure(*ILL, keep="numpy tensorflow") == []


def test_the_next_plan_moves_the_framework_within_its_minor_first(cure: Cure) -> None:
    first, second = cure(*ILL, first=2)
    assert str(first) == "numpy 2.0.2 → 1.26.4"
    assert str(second) == "numpy 2.0.2 → 1.26.4, tensorflow 2.15.0 → 2.15.1"


def test_of_two_owners_the_plain_name_stays_and_is_reinstalled(cure: Cure) -> None:
    names = frozenset(map(canonicalize_name, ("tensorflow", "tensorflow-cpu")))
    (plan,) = cure(
        "tensorflow==2.15.1",
        "tensorflow-cpu==2.15.0",
        "numpy==1.26.4",
        owners=(Owners(names=names, rule="tf-two-owners", because="They own one folder."),),
    )
    assert str(plan) == "remove tensorflow-cpu 2.15.0, reinstall tensorflow 2.15.1"
    assert plan.steps[1].because == "its files were shared with tensorflow-cpu"


def test_the_owner_that_is_kept_stays(cure: Cure) -> None:
    names = frozenset(map(canonicalize_name, ("tensorflow", "tensorflow-cpu")))
    (plan,) = cure(
        "tensorflow==2.15.1",
        "tensorflow-cpu==2.15.0",
        "numpy==1.26.4",
        keep="tensorflow-cpu",
        owners=(Owners(names=names, rule="tf-two-owners", because=""),),
    )
    assert str(plan) == "remove tensorflow 2.15.1, reinstall tensorflow-cpu 2.15.0"


def test_broken_files_are_reinstalled_in_the_same_version(cure: Cure) -> None:
    (plan,) = cure(
        "bystander==1.0", reinstall={canonicalize_name("bystander"): "a file is missing"}
    )
    assert str(plan) == "reinstall bystander 1.0"


def test_upwards_the_newest_patch_of_the_nearest_minor_comes_first_and_then_the_next_minor(
    cure: Cure,
) -> None:
    found = cure("tensorflow==2.3.0", "keras==2.2.4", "numpy==1.18.5", "bystander==1.0", first=2)
    assert words(found) == ["keras 2.2.4 → 2.3.1", "keras 2.2.4 → 2.4.3"]
