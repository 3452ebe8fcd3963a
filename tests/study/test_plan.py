"""Studies as data: what a file may say, and one line for everything it may not."""

import io
import shlex
from urllib.parse import quote

import pandas as pd
import pytest
import yaml

from disentlib.study import plan as study
from disentlib.study.plan import arguments, check_folders, load_study
from disentlib.training.folder import claim

GOOD = """
title: A small grid
grid: {model: [vae, beta_vae], D: [2, 3], seed: [0, 7]}
training: {steps: 5, batch_norm: false}
scoring: {train: 20, test: 10}
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "STUDIES", tmp_path)

    def write(text, name="mini", **overrides):
        (tmp_path / f"{name}.yml").write_text(text)
        return load_study(name, **overrides)

    return write


def test_the_grid_is_a_product_and_folders_name_the_run(written):
    mini = written(GOOD)
    assert (
        len(mini.runs) == 8
        and mini.values("D") == [2, 3]
        and mini.values("seed") == [0, 7]
    )
    assert (
        mini.runs[0].key == "vae/D2/seed0" and mini.runs[-1].key == "beta_vae/D3/seed7"
    )
    assert mini.folder(mini.runs[0]).parts[-4:] == ("mini", "vae", "D2", "seed0")
    assert (mini.scoring.train, mini.scoring.test, mini.scoring.batch_size) == (
        20,
        10,
        64,
    )
    assert {run.config.steps for run in mini.runs} == {5}


def test_a_new_seed_adds_runs_and_changes_none(written):
    before = {run.key: run.config for run in written(GOOD).runs}
    after = {
        run.key: run.config for run in written(GOOD.replace("[0, 7]", "[0, 7, 9]")).runs
    }
    assert len(after) == 12 and before.items() <= after.items()


def test_variants_change_settings_and_may_narrow_the_grid(written):
    text = (
        GOOD + "variants:\n  a: {}\n  b: {steps: 9, grid: {model: [vae], seed: [1]}}\n"
    )
    runs = written(text).runs
    assert [run.key for run in runs if run.variant == "b"] == [
        "b/vae/D2/seed1",
        "b/vae/D3/seed1",
    ]
    assert {run.config.steps for run in runs if run.variant == "b"} == {9}
    assert len([run for run in runs if run.variant == "a"]) == 8


def test_overrides_reach_every_run(written):
    assert {run.config.device for run in written(GOOD, device="cuda").runs} == {"cuda"}


def test_an_override_takes_no_variants_own_setting():
    words = (
        "variant card: has a precision of its own, 'float32'; leave precision=auto out"
    )
    with pytest.raises(ValueError, match=words):
        load_study("precision", precision="auto")
    assert load_study("precision", device="cpu").runs


@pytest.mark.parametrize("name", ["quick", "desk", "thesis", "recipe"])
def test_the_studies_of_the_repository_load(name):
    assert load_study(name).runs


def test_the_thesis_grid_is_the_thesis():
    thesis = load_study("thesis")
    assert len(thesis.runs) == 30
    assert thesis.values("model") == ["beta_vae", "factor_vae"]
    assert thesis.values("D") == [4, 6, 8, 10, 15] and thesis.values("seed") == [
        0,
        1000,
        2000,
    ]
    first = thesis.runs[0].config
    assert (first.steps, first.batch_size, first.learning_rate) == (50 * 8064, 64, 1e-4)
    assert (first.beta, first.gamma, first.batch_norm, first.schedule) == (
        4,
        40,
        True,
        "constant",
    )
    assert (thesis.scoring.train, thesis.scoring.test, thesis.scoring.batch_size) == (
        10500,
        4500,
        64,
    )


def changed(old, new):
    """The good study with `new` in the place of `old`, or behind it where that is ""."""
    assert old in GOOD
    return GOOD.replace(old, new) if old else GOOD + new


GRID = "{model: [vae, beta_vae], D: [2, 3], seed: [0, 7]}"
TRAINING = "{steps: 5, batch_norm: false}"
HUGE = f"D: {list(range(1, 401))}, seed: {list(range(200))}"
BAD = {
    "unknown key": ("", "gird: {}", "unknown key gird"),
    "unknown setting": ("steps: 5", "stepps: 5", "unknown setting stepps"),
    "wrong type": ("steps: 5", "steps: many", "steps 'many' must be of type int"),
    "unknown model": ("vae, beta_vae", "bete_vae", "model 'bete_vae' is unknown"),
    "no dimension": ("[2, 3]", "[0]", "D=0 must be"),
    "no list": ("[2, 3]", "2", "D 2 must be a list"),
    "empty axis": ("[0, 7]", "[]", "seed [] must be a list"),
    "axis in training": ("steps: 5", "steps: 5, D: 3", "D belongs in the grid"),
    "twice": ("[0, 7]", "[0, 0]", "names vae/D2/seed0 twice"),
    "unknown scoring": ("test: 10", "tests: 10", "unknown scoring key tests"),
    "negative scoring": ("test: 10", "test: -1", "test=-1 must be"),
    "no title": ("title: A small grid", "", "no title"),
    "not YAML": (GOOD, "title: [", "not YAML"),
    "text": (GOOD, "hello", "no title, grid, training"),
    "key twice": ("", "title: B", "key title is given twice"),
    "setting twice": ("steps: 5", "steps: 5, steps: 6", "key steps is"),
    "no images to train on": ("train: 20", "train: 0", "train=0 must be"),
    "no trees": ("test: 10", "n_estimators: 0", "n_estimators=0 must be"),
    "forests": ("test: 10", "n_estimators: 100000", "n_estimators=100000 must be"),
    "a batch beyond the grid": (
        "test: 10", "batch_size: 99999", "batch_size=99999 exceeds the 18432 images"
    ),
    "memory": ("train: 20", "train: 900000", "name more than"),
    "too few": ("train: 20, test: 10", "train: 2, test: 1", "too few"),
    "a huge grid": ("D: [2, 3], seed: [0, 7]", HUGE, "more than 10,000 runs"),
    "grid as text": (GRID, "x", "grid: 'x' must be a mapping"),
    "training as text": (TRAINING, "fast", "training: 'fast' must be a mapping"),
    "variants as a list": ("", "variants: [a, b]", "must be a mapping"),
    "no variants": ("", "variants: {}", "give at least one"),
    "a variant as a number": ("", "variants: {a: 3}", "variant a: 3 must be"),
    "a variant's setting": (
        "", "variants: {b: {}, a: {stepz: 2}}", "yml: variant a: unknown setting stepz"
    ),
    "a variant's grid": ("", "variants: {a: {grid: {D: 2}}}", "variant a: grid: D 2"),
    "a setting of all variants": (
        "steps: 5", "stepps: 5}\nvariants: {a: {}", "mini.yml: unknown setting stepps"
    ),
    "a number as a setting": ("steps: 5", "steps: 5, 1: 2", "unknown setting 1;"),
    "text for a number": ("steps: 5", "steps: 5, beta: 1e-3", "as in 1.0e-3, and"),
    "a setting twice": ("", "variants: {a: {beta: 1, beta: 2}}", "key beta is given"),
    "a merge": (
        "", "variants: {a: &a {steps: 1}, b: {<<: *a}}", "<< from line 6 on is not read"
    ),
    "empty title": ("A small grid", "", "title None must be a text of one line"),
    "title as a list": ("A small grid", "[a]", "title ['a'] must be a text of one"),
    "title of two lines": ("A small grid", r'"a\nb"', r"title 'a\nb' must be a text"),
    "title of no letters": ("A small grid", "' '", "title ' ' must be a text of one"),
    "empty budget": ("", "budget:", "budget None must be a text, or leave the key out"),
    "capitals": ("", "variants: {a: {}, A: {}}", "in capitals and small letters"),
}  # fmt: skip
NO_NAMES = (
    "1 on None 'no_norm' ../up '..' '`pwd`' 'a,b' '$(x)' a.b ä '' nan Infinity a/b -a"
)
for name in NO_NAMES.split():
    name = name.replace("no_norm", "no norm")
    BAD[f"variant {name}"] = ("", f"variants: {{{name}: {{}}}}", "is no name")


@pytest.mark.parametrize("old, new, complaint", BAD.values(), ids=BAD)
def test_bad_files_are_named_in_one_line(written, old, new, complaint):
    with pytest.raises(ValueError) as caught:
        written(changed(old, new))
    message = str(caught.value)
    assert complaint in message and "mini.yml" in message and "\n" not in message


def test_an_unknown_study_names_those_there_are(written):
    written(GOOD)
    with pytest.raises(ValueError, match=r"'maxi' is unknown; choose one of mini"):
        load_study("maxi")


def test_arguments_are_what_pages_take(written):
    plain = arguments(written(GOOD).runs[0].config)
    assert plain["model"] == "vae" and plain["snapshots"] == []


@pytest.mark.parametrize(
    "name", ["007", "x$(touch pwn)", "../desk", "a b", "", "None", "a\nb", "a" * 65, 7]
)
def test_a_study_whose_name_is_none_is_refused(written, name):
    written(GOOD)
    with pytest.raises(ValueError, match=r"^study .* is no name; give") as error:
        load_study(name)
    assert "\n" not in str(error.value)


def test_names_that_are_allowed_come_back_from_every_format(written):
    names = ["a", "A1", "batch_norm", "no-norm", "x" * 64, "e5", "infinite"]
    runs = written(GOOD + "variants: {" + ", ".join(f"{n}: {{}}" for n in names) + "}")
    found = [run.variant for run in runs.runs[:: len(runs.runs) // len(names)]]
    table = io.StringIO()
    pd.DataFrame({"variant": found}).to_csv(table, index=False)
    table.seek(0)
    assert found == names == pd.read_csv(table)["variant"].tolist()
    assert [shlex.quote(name) for name in names] == names
    assert [quote(name) for name in names] == names
    assert yaml.safe_load(str(names).replace("'", "")) == names


def test_a_folder_of_another_run_is_found_before_anything_starts(
    written, tmp_path, monkeypatch
):
    monkeypatch.setattr(study, "RUNS", tmp_path / "runs")
    mini = written(GOOD)
    for run in mini.runs[:3]:
        claim(mini.folder(run), run.config)
    check_folders(mini)
    changed = written(GOOD.replace("steps: 5", "steps: 5, beta: 2.0"))
    with pytest.raises(
        ValueError,
        match=r"seed0/config.json is of another .*beta 4.0, not 2.0.* 2 others",
    ) as error:
        check_folders(changed)
    assert "\n" not in str(error.value)
