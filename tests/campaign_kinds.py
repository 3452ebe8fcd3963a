"""The kinds of a campaign of kills: each gives the kills of one round, as (kind, state)."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import killing
import psutil
from campaign_place import (
    RUN,
    Place,
    end_of_run,
    end_of_study,
    no_stray,
    same,
    state,
    study_twin,
)
from small_runs import attempt, config

SETTINGS = (
    {},
    {"model": "factor_vae", "steps": 5},
    {"snapshots": (3, 6), "average": 0.9, "batch_norm": False},
)
Hits = Iterator[tuple[str, str]]  # kind and state


def runs(dice: random.Random, place: Place) -> Hits:
    """A run in a process of its own, hit until it is done."""
    number = dice.randrange(len(SETTINGS))
    chosen, folder = config(**SETTINGS[number]), place.work / "run"

    def start(where: Path, slowed: float = 0.0):
        given = (chosen.to_dict(), where, slowed)
        process = place.forks.Process(target=attempt, args=given)
        process.start()
        return process

    def twin() -> tuple[dict, float]:
        where, began = place.work / f"twin{number}", time.monotonic()
        start(where).join()
        return end_of_run(where), time.monotonic() - began

    wanted, life = place.twin(f"run {number}", twin)
    yield from hit_until_done(
        dice, lambda slowed: start(folder, slowed), "training, run", folder, life, 40
    )
    same(end_of_run(folder), wanted, folder)
    shutil.rmtree(folder)


def hit_until_done(
    dice: random.Random, start, what: str, folder: Path, life: float, most: int
) -> Hits:
    """Start a process until it ends well, hitting it on the way up to `most` times."""
    for number in range(most + 5):
        process = start(dice.choice((0, 0.02)))
        kept = killing.digests(folder)
        if number < most:
            killing.await_moment(dice, process.is_alive, life, folder, 0.03)
            with suppress(psutil.NoSuchProcess):
                met = state(folder)
                there = {what: [psutil.Process(process.pid)]}
                if process.is_alive() and (who := killing.hit(dice, there, what)):
                    yield who, met
        process.join(300)
        killing.check_kept(kept)
        if process.exitcode == 0:
            return
    raise AssertionError(f"{what} does not end: exit code {process.exitcode}")


def stages(dice: random.Random, place: Place) -> Hits:
    """The stages of a study, one after the other, as page runners without Snakemake."""
    wanted = place.twin("study", lambda: study_twin(place))
    for words, hits in (
        (["train", "mini", RUN], 6),
        (["score", "mini", RUN], 6),
        (["collect", "mini"], 20),
    ):
        yield from command(dice, place, words, hits)
    no_stray(place)
    same(end_of_study(place), wanted, "the study")
    place.clear("runs", "results")


def command(
    dice: random.Random, place: Place, words: list[str], hits: int, **changes: str
) -> Hits:
    """A command, started and hit so often, and then left alone to its end."""
    stage, began = killing.STAGES[words[0]], 0.0
    pages = words[0] in ("train", "score", "book")
    life = place.twins.get(stage, 15.0 if pages else 3.0)
    watched = (
        place.folder / "results" if stage == "collecting" else place.folder / "runs"
    )
    watched = place.cache if stage == "rendering" else watched
    left, failures = hits, 0
    while True:
        kept = killing.digests(place.folder / "runs")
        slowed = dice.choice((0, 0.05)) if left else 0.0
        process, began = place.start(words, slowed, **changes), time.monotonic()
        head = psutil.Process(process.pid)
        while left and process.is_alive():
            killing.await_moment(dice, process.is_alive, life, watched)
            there, met = killing.parts(head), state(place.folder / "runs", watched)
            there["kernel"] = there["kernel"] or there["head"]
            whom = dice.choice(("head", "kernel", "group")) if pages else "head"
            role = "kernel" if whom == "kernel" and there["kernel"] != [head] else whom
            role = {"head": "page runner", "kernel": "kernel"}.get(role, "group")
            role = role if pages else stage
            if process.is_alive() and (who := killing.hit(dice, there, whom)):
                left -= 1
                yield f"{stage}, {role}: {who.split(': ')[1]}", met
            if whom != "kernel":
                break
            process.join(5)
        process.join(300)
        killing.orphans_end(place.folder, kill=dice.random() < 0.5)
        killing.check_kept(kept)
        if process.exitcode == 0:
            place.twins[stage] = min(time.monotonic() - began, 60.0)
            if not left or words[0] in ("train", "score"):
                return
        elif not left:
            failures += 1
            if failures > 5:
                raise AssertionError((place.folder / "words.log").read_text()[-2000:])


def sweep(dice: random.Random, place: Place, hits: int = 12) -> Hits:
    """Snakemake over the study: several hits a start, since it starts a job again."""
    wanted = place.twin("study", lambda: study_twin(place))
    base = [sys.executable, "-m", "snakemake"]
    words = [*base, "table", "-c1", "--rerun-incomplete", "--retries", "9"]
    table, left, failures = place.folder / "results/mini/table.csv", hits, 0
    while True:
        kept = killing.digests(place.folder / "runs")
        process = snakemake(place, words)
        head = psutil.Process(process.pid)
        alive = lambda: process.poll() is None  # noqa: E731, B023
        while left and alive():
            # Most kills meet a job; how long Snakemake plans depends on the machine.
            jobs = dice.random() < 0.8
            while jobs and alive() and not killing.parts(head)["page runner"]:
                time.sleep(0.1)
            killing.await_moment(dice, alive, 15.0, place.folder / "runs")
            there, met = killing.parts(head), state(place.folder / "runs")
            stage = killing.stage_of(there["page runner"])
            whom = dice.choice(("page runner", "kernel", "kernel", "head", "group"))
            whom = whom if there[whom] else "head"
            if alive() and (who := killing.hit(dice, there, whom)):
                left -= 1
                yield f"sweep, {stage}, {who}", met
            if whom in ("head", "group"):
                break
        process.wait(600)
        killing.orphans_end(place.folder, kill=dice.random() < 0.5)
        killing.check_kept(kept)
        if process.returncode == 0 and table.exists():
            break
        failures += not left
        if failures > 5:
            raise AssertionError((place.folder / "words.log").read_text()[-2000:])
        snakemake(place, [*base, "--unlock", "-c1"]).wait()
    no_stray(place)
    same(end_of_study(place), wanted, "the sweep")
    place.clear("runs", "results", ".snakemake")


def snakemake(place: Place, words: list[str]) -> subprocess.Popen:
    """Snakemake's head, in a group of its own."""
    with (place.folder / "words.log").open("ab") as log:
        return subprocess.Popen(
            [*words, "--config", "study=mini"],
            cwd=place.folder,
            env=os.environ | place.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def book(dice: random.Random, place: Place) -> Hits:
    """A book of two pages, built on the study's results."""

    def built() -> list[str]:
        html = place.folder / "_build" / "html"
        names = [str(path.relative_to(html)) for path in html.rglob("*")]
        return sorted(name for name in names if "reports" not in name)

    def twin() -> list[str]:
        process = place.start(["book"])
        process.join()
        if process.exitcode:
            raise AssertionError((place.folder / "words.log").read_text()[-2000:])
        return built()

    place.twin("study", lambda: study_twin(place))
    for name in ("runs", "results"):
        shutil.copytree(place.work / name, place.folder / name)
    wanted = place.twin("book", twin)
    place.clear("_build")
    yield from command(dice, place, ["book"], 10)
    no_stray(place)
    same(built(), wanted, "the book")
    text = (place.folder / "_build/html/notebooks/a_page.html").read_text()
    if "42" not in text or not any(place.folder.glob("_build/mini.built")):
        raise AssertionError("the book lacks its page's outputs")
    place.clear("_build", "runs", "results")


def render(dice: random.Random, place: Place) -> Hits:
    """The rendering of the sprites into their cache, 377 MB."""
    (whole,) = place.twin("cache", lambda: sprites(place))
    for path in place.cache.iterdir():
        path.unlink()
    yield from command(dice, place, ["render"], 8)
    no_stray(place)
    same(sprites(place), {whole: place.twins["cache"][whole]}, "the cache")


def sprites(place: Place) -> dict[str, str]:
    """The cached sprites, rendered if they are not there, by their bytes."""
    place.start(["render"]).join()
    return {path.name: killing.sha256(path) for path in place.cache.glob("*")}
