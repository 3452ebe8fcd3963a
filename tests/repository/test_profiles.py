"""Profiles: keys that Snakemake and its Slurm plugin know, rules that exist, and a plan
each.
"""

import re
import shlex
import subprocess

import pytest
import yaml
from copies import compiled, copied, read_by_test
from snakemake import cli
from starts import SERVER, has_imports, snakemake

from disentlib.paths import ROOT
from disentlib.study import stages
from disentlib.study.plan import load_study

READS = (".ci/reads.py", "Snakefile")  # which only plans here
PROFILES = sorted(path.name for path in (ROOT / "profiles").iterdir())
COMMANDS = {"train": 4, "score": 4, "collect": 1, "book": 1}  # of the quick study


def content(profile):
    return yaml.safe_load((ROOT / "profiles" / profile / "config.yaml").read_text())


def parser(profile):
    """Snakemake's own parser, with the profile as its defaults; plugins' options
    included.
    """
    return cli.get_argument_parser(profiles=[ROOT / "profiles" / profile])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("repository"))


def plan(place, *arguments):
    """Output of a dry run."""
    run = snakemake(place, "--dry-run", *arguments)
    assert run.returncode == 0, run.stdout
    return run.stdout


def test_there_is_a_profile_for_each_kind_of_machine():
    assert PROFILES == ["gpu", "local", "slurm"]


@pytest.mark.parametrize("profile", PROFILES)
def test_snakemake_knows_every_key_and_takes_every_value(profile):
    made = parser(profile)
    known = {option for action in made._actions for option in action.option_strings}
    assert {f"--{key}" for key in content(profile)} - known == set()
    arguments = made.parse_args(
        []
    )  # ends the test run where a value is not of its kind
    assert arguments.keep_going and arguments.rerun_incomplete


@pytest.mark.parametrize("profile", PROFILES)
def test_the_wording_of_a_rule_does_not_train_again(profile):
    assert set(content(profile)["rerun-triggers"]) == {"mtime", "params", "input"}


def test_a_profile_names_rules_that_exist():
    rules = set(
        re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), re.MULTILINE)
    )
    named = {
        rule
        for profile in PROFILES
        for rule in content(profile).get("set-resources", {})
    }
    assert named and named <= rules


def test_all_that_a_cluster_runs_can_be_told_its_time_and_memory():
    text = (ROOT / "Snakefile").read_text()
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE))
    local = re.search(r"^localrules:\n((?: +\w+,\n)+)", text, re.MULTILINE)[1]
    local = set(re.findall(r"\w+", local)) | {"table"}  # which runs nothing
    asked = content("slurm")["set-resources"]
    assert {"runtime", "mem_mb"} <= set.intersection(
        *(set(asked[r]) for r in rules - local)
    )


def test_slurm_tries_again_and_leaves_restarts_to_the_cluster():
    arguments = parser("slurm").parse_args([])
    assert (
        arguments.executor == "slurm"
        and arguments.retries >= 1
        and arguments.slurm_requeue
    )


def test_starts_of_snakemake_have_their_imports():
    """Whoever used the server of forks before."""
    child = SERVER.Process(target=has_imports)
    child.start()
    child.join(300)
    assert child.exitcode == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_the_quick_study_is_four_runs_and_a_book_on_the_right_device(place, profile):
    text = plan(
        *(place, "--workflow-profile", f"profiles/{profile}"),
        *("--config", "study=quick", "--printshellcmds", "--quiet", "host"),
    )
    counts = {n: len(re.findall(f"-m disentlib {n}", text)) for n in COMMANDS}
    assert counts == COMMANDS
    commands = [line for line in text.splitlines() if "-m disentlib train" in line]
    devices = {
        "cuda" if "device=cuda" in words else "cpu"
        for words in map(shlex.split, commands)
    }
    assert devices == {"cuda" if profile == "gpu" else "cpu"}


def test_on_a_card_the_studys_runs_are_recorded_in_the_studys_precision(place):
    flag = ("--workflow-profile", "profiles/gpu", "--config", "study=precision")
    text = plan(place, *flag, "--printshellcmds", "--quiet", "host")
    command = re.search(r"-m disentlib train precision \S+ (.*)", text)[1]
    settings = dict(map(stages.override, shlex.split(command)))
    configs = [run.config for run in load_study("precision", **settings).runs]
    assert all(config.compile and config.device == "cuda" for config in configs)
    own = [run.config.precision for run in load_study("precision").runs]
    assert [config.precision for config in configs] == own
    assert set(own) == {"float32", "bfloat16"}


@pytest.mark.parametrize("word", ["precision=auto", "compile=True", "device=cuda:1"])
def test_what_the_file_of_the_card_may_say_is_taken(word):
    assert load_study("quick", **dict([stages.override(word)])).runs


def test_the_job_array_is_a_script_that_bash_can_read():
    path = ROOT / "profiles" / "slurm" / "array.sh"
    subprocess.run(["bash", "-n", path], check=True, timeout=20)


def test_the_job_array_without_words_is_one_line():
    path = ROOT / "profiles" / "slurm" / "array.sh"
    run = subprocess.run(["bash", path], capture_output=True, text=True, timeout=20)
    assert run.returncode != 0 and len(run.stderr.splitlines()) == 1
    assert "give the name of a study" in run.stderr


def test_what_ran_is_what_this_file_says_that_it_reads(place):
    plan(place, "--config", "study=quick")
    ran, read = compiled(place), read_by_test(__file__)
    assert "disentlib/study/plan.py" in ran and ran <= read
    assert "disentlib/study/verdicts.py" not in read
