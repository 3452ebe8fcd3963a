"""Bad values, generated: each ends in the right answer or in one line that names it."""

import ast
from dataclasses import fields
from itertools import product

import pytest
import yaml

from disentlib import pages
from disentlib.__main__ import main, parser
from disentlib.pages import (
    checked_parameters,
    declared_parameters,
    parameters_from_text,
)
from disentlib.paths import ROOT
from disentlib.scoring.sizes import Scoring
from disentlib.study import plan
from disentlib.study.plan import load_study
from disentlib.study.stages import chosen_run, override
from disentlib.training.configuration import TrainingConfig

TEXTS = ["", " ", "-1", "0", "1.5", "nan", "inf", "-inf", "1e400", "10**9", "9" * 400]
TEXTS += ["None", "True", "[]", "[1,", "{}", "()", "x", "ü", "a\nb", "$(x)", "`x`", "'"]
TEXTS += ["\x00", "1_000", "0x10", "[1, 'a']", "[" * 200, "lambda: 0", "__import__"]
VALUES = [None, True, -1, 0, 1.5, float("nan"), float("inf"), 10**30, "", "x", "1e-3"]
VALUES += [[], [1], ["a"], {}, {"a": 1}, "$(x)", -1e-300, 10**400, [[1]], [None]]
SETTINGS = [field.name for field in fields(TrainingConfig)]
STUDY = {
    "title": "Mini",
    "grid": {"model": ["beta_vae"], "D": [2], "seed": [0]},
    "training": {"steps": 4},
}


def one_line(call, *arguments):
    """Whether the call succeeds; where it does not, its words are one line."""
    try:
        call(*arguments)
        return True
    except (ValueError, TypeError) as error:
        text = str(error)
        assert text and "\n" not in text and len(text) < 600, arguments
        assert type(error) in (ValueError, TypeError), arguments
        return False


@pytest.mark.parametrize("name", ["training", "scoring"])
def test_parameters_of_a_page(name, monkeypatch):
    page = ROOT / "notebooks" / f"{name}.md"
    notebook = pages.read_page(page)
    monkeypatch.setattr(pages, "read_page", lambda _: notebook)  # once is enough
    declared = declared_parameters(notebook, page)
    taken = 0

    def call(parameter, text):
        given = parameters_from_text(page, [(parameter, text)])
        values = checked_parameters(declared, given, page)
        defaults = {key: default for key, (_, default) in declared.items()} | values
        if name == "training":
            del defaults["folder"]
            TrainingConfig.from_dict(defaults)
        else:
            known = {field.name for field in fields(Scoring)}
            Scoring(**{k: v for k, v in defaults.items() if k in known})

    for parameter, text in product([*declared, "nothing", ""], TEXTS):
        taken += one_line(call, parameter, text)
    assert 0 < taken < len(declared) * len(TEXTS) / 2


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path)

    def load(content):
        (tmp_path / "mini.yml").write_text(yaml.safe_dump(content))
        return load_study("mini")

    load(STUDY)
    return load


def test_values_of_a_study(study):
    cases = [(("training", n), v) for n, v in product([*SETTINGS, "no"], VALUES)]
    cases += [(("scoring", f.name), v) for f, v in product(fields(Scoring), VALUES)]
    cases += [(("grid", n), v) for n, v in product(("model", "D", "seed"), VALUES)]
    cases += [(("grid", n), [v]) for n, v in product(("model", "D", "seed"), VALUES)]
    cases += [((key,), v) for key, v in product((*plan.KEYS, "no"), VALUES)]
    taken = 0
    for place, value in cases:
        content = {key: value for key, value in STUDY.items()}
        if len(place) == 1:
            content[place[0]] = value
        else:
            content[place[0]] = {**content.get(place[0], {}), place[1]: value}
        taken += one_line(study, content)
    assert len(cases) > 700 and 0 < taken < len(cases) / 2


def test_names_and_overrides(study):
    mini = study(STUDY)
    for text in TEXTS:
        assert text == "x" or not one_line(load_study, text) or text == "True"
        assert not one_line(override, text)
        assert one_line(chosen_run, mini, text) == (text == "0")
        one_line(lambda text=text: load_study("mini", device=text))


def test_words_of_the_command(capsys):
    """Unknown words and too few of them end with code 2 and one line of error."""
    commands = ["page", "train", "score", "collect", "book", "pages", ""]
    words = [[], ["--no"], ["-p"], ["-p", "D"], ["a", "b", "c", "--x=1"], ["--"] * 3]
    for command, rest in product(commands, words):
        try:
            parser().parse_args([command, *rest])
        except SystemExit as stop:
            assert stop.code == 2
            assert "error: " in capsys.readouterr().err.splitlines()[-1]


def test_no_command_takes_half_a_flag(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["collect", "desk", "--unfin"])
    assert "unrecognized arguments: --unfin" in capsys.readouterr().err
    parts = [ROOT / part for part in ("bench", "disentlib", "tests")]
    for path in (path for part in parts for path in part.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(call, "func", None), "attr", "")
            if name in ("ArgumentParser", "add_parser"):
                assert "allow_abbrev" in [word.arg for word in call.keywords], path


def test_collecting_is_told_what_the_runs_were_told(capsys):
    """A study that was run with device=cuda is of that device throughout."""
    assert main(["collect", "quick", "device=nowhere"]) != 0
    assert "nowhere" in capsys.readouterr().err
    assert main(["collect", "quick", "speed=2"]) != 0
    assert "speed=2" in capsys.readouterr().err
