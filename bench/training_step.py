"""Speed of training against the textbook loop: `python bench/training_step.py` (2 to 3
minutes).

D = 10, batches of 64, two cores. Every way runs in processes of its own, in turns. The
textbook loop is the tutorials': a DataLoader over a uint8 array with a transform of
each item, default layout, torch's own layers, Adam as it comes, a backward pass for
each loss. Two peers' loops are written from their descriptions, with all images in
memory: Kim and Mnih's (2018, algorithm 2), which reads a second batch for the
discriminator, and one that permutes the same batch and takes a pass of the
discriminator for each loss; for the beta-VAE both are the plain loop of Higgins et al.
(2017). Ours is `train`, with all it does, as it is, and as it was at an early commit
(`BEFORE`; taken from the repository's history, or from the folder that
$DISENTLIB_BEFORE names; left out where there is neither); in bfloat16 as well, the
default where it is native. The peaks are the better of two matrix products of
2048 × 2048 on as many threads: MKL's (`torch.mm`) and oneDNN's (as 1 × 1 convolution);
torch.utils.flop_counter counts the operations of our step on whole images, of which
windows (`models.windows`) leave some out. "By CPU" is for busy
machines, and leaves loader workers out.
"""

import argparse
import atexit
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from disentlib.models import objectives
from disentlib.models.networks import VAE, Discriminator
from disentlib.paths import ROOT
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import load_sprites
from disentlib.training import train
from disentlib.training.configuration import TrainingConfig
from disentlib.training.machine import (
    chosen_precision,
    keep_freed_memory,
    prepare_torch,
)
from disentlib.training.state import new_state
from disentlib.training.step import train_step

D, BATCH, STEPS, PRODUCT = 10, 64, 8, 2 * 2048**3
WAYS = {  # name: what runs, threads of a process, processes
    "textbook": ("textbook", 2, 1),
    "textbook, 2 loader workers": ("textbook workers", 2, 1),
    "ours": ("ours", 2, 1),
    "ours, bfloat16": ("ours bfloat16", 2, 1),
    "peak": ("peak", 2, 1),
    "textbook, 2 runs": ("textbook", 1, 2),
    "textbook, memory kept, 2 runs": ("textbook kept", 1, 2),
    "ours, 2 runs": ("ours", 1, 2),
    "ours, bfloat16, 2 runs": ("ours bfloat16", 1, 2),
    "Kim and Mnih's loop, 2 runs": ("peer second", 1, 2),
    "same batch, two passes, 2 runs": ("peer same", 1, 2),
    "ours before, 2 runs": ("before", 1, 2),
    "peak, 2 runs": ("peak", 1, 2),
    "bfloat16 peak, 2 runs": ("peak bfloat16", 1, 2),
}
DEFAULT = chosen_precision("cpu")
# Where a step's time goes, by the names of torch's operations; the rest is small ones, Python
# and what the profiler itself costs, which makes it less.
PARTS = {
    "convolutions": ("convolution",),
    "products of matrices": ("::mm", "::addmm"),
    "batch norm": ("batch_norm",),
    "ReLU": ("relu", "threshold"),
    "fold": ("col2im", "im2col"),
    "copies and casts": ("copy_", "::clone"),
    "losses": ("sigmoid", "entropy", "softmax", "::exp", "::mean", "::sum"),
    "optimisers and average": ("_fused_adam", "foreach", "Optimizer"),
}
# What a step is to reach, as a multiple of the speed of its earlier self, and of peers'.
BARS = {"beta_vae off": (1.8, 2.0), "factor_vae off": (1.9, 2.5)}
BARS_WITH_NORM = (1.5, 1.5)
OURS = "ours, bfloat16" if DEFAULT == "bfloat16" else "ours"  # ratios are to it
BEFORE = "f672b90"  # its own bench/training_step.py measures it


def ours(model: str, batch_norm: bool, threads: int, option: str) -> Iterator[None]:
    """A turn of `train` is STEPS steps."""
    settings = {"batch_norm": batch_norm, "threads": threads, "log_every": STEPS}
    settings["precision"] = option or "float32"
    config = TrainingConfig(model, D, seed=0, steps=10**6, **settings)
    with tempfile.TemporaryDirectory() as folder:
        yield from train(config, load_sprites(), folder)


class Items(Dataset):
    """A uint8 array of 40,960 images, each made a float tensor with a channel when
    asked for.
    """

    def __init__(self) -> None:
        self.images = load_sprites().images(np.arange(0, GRID.size, 18))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: int) -> torch.Tensor:
        return torch.from_numpy(self.images[item][None]).to(torch.float32)


def plain_networks(batch_norm: bool) -> tuple:
    """Both networks with torch's own layers, and an Adam as it comes for each."""
    vae, discriminator = VAE(D, batch_norm), Discriminator(D)
    first = {"stride": 2, "padding": 1, "bias": not batch_norm}
    vae.features[0] = torch.nn.Conv2d(1, 32, 4, **first)
    vae.decoder[-1] = torch.nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1)
    optimiser = torch.optim.Adam(vae.parameters(), 1e-4)
    other = torch.optim.Adam(discriminator.parameters(), 1e-4, betas=(0.5, 0.9))
    return vae, discriminator, optimiser, other


def textbook(model: str, batch_norm: bool, threads: int, option: str) -> Iterator[None]:
    """A turn is STEPS steps of the tutorials' loop."""
    items, workers = Items(), 2 if option == "workers" else 0
    loader = DataLoader(items, BATCH, shuffle=True, num_workers=workers, drop_last=True)
    vae, discriminator, optimiser, other = plain_networks(batch_norm)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    for step, x in enumerate(batches, 1):
        mu, logvar = vae.encode(x)
        z = objectives.reparameterise(mu, logvar, torch.randn_like(mu))
        loss = objectives.bernoulli_reconstruction(vae.decode(z), x)
        kl = objectives.gaussian_kl(mu, logvar).mean(dim=0).sum()
        loss = loss + (4 if model == "beta_vae" else 1) * kl
        if model == "factor_vae":
            loss = loss + 40 * objectives.total_correlation(discriminator(z))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if model == "factor_vae":
            z = z.detach()
            permuted = torch.stack(
                [z[torch.randperm(BATCH), j] for j in range(D)], dim=1
            )
            other.zero_grad()
            objectives.discriminator_loss(
                discriminator(z), discriminator(permuted)
            ).backward()
            other.step()
        if step % STEPS == 0:
            yield


def peer(model: str, batch_norm: bool, threads: int, option: str) -> Iterator[None]:
    """A turn is STEPS steps of a loop as papers describe it."""
    images, judged = torch.from_numpy(Items().images)[:, None], model == "factor_vae"
    vae, discriminator, optimiser, other = plain_networks(batch_norm)

    def codes() -> tuple[torch.Tensor, ...]:
        x = images[torch.randint(len(images), (BATCH,))].float()
        mu, logvar = vae.encode(x)
        z = objectives.reparameterise(mu, logvar, torch.randn_like(mu))
        return x, mu, logvar, z

    for step in itertools.count(1):
        x, mu, logvar, z = codes()
        loss = objectives.bernoulli_reconstruction(vae.decode(z), x)
        kl = objectives.gaussian_kl(mu, logvar).mean(dim=0).sum()
        loss = loss + (1 if judged else 4) * kl
        if judged:
            loss = loss + 40 * objectives.total_correlation(discriminator(z))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if judged:
            joint = z.detach()
            with torch.no_grad():
                second = codes()[-1] if option == "second" else joint
            order = torch.rand(BATCH, D).argsort(dim=0)
            other.zero_grad()
            objectives.discriminator_loss(
                discriminator(joint), discriminator(second.gather(0, order))
            ).backward()
            other.step()
        if step % STEPS == 0:
            yield


def timed(turns: Iterator[None]) -> list[float]:
    """Seconds, CPU seconds and page faults of a turn."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    start, cpu = time.perf_counter(), time.process_time()
    next(turns)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return [time.perf_counter() - start, time.process_time() - cpu, faults]


def products(by_mkl: bool, kind: torch.dtype) -> Iterator[None]:
    """A turn is a matrix product."""
    a, b, c = torch.randn(3, 2048, 2048).to(kind)
    x = torch.randn(64, 2048, 8, 4).to(kind, memory_format=torch.channels_last)
    while True:
        torch.mm(a, b, out=c) if by_mkl else F.conv2d(x, b.view(2048, 2048, 1, 1))
        yield


def work(what: str, threads: int) -> None:
    """A process of one way: a turn for each line, which names the model; writes what it
    took.
    """
    torch.set_num_threads(threads)
    way, _, option = what.partition(" ")
    if option == "kept" or way == "peak":
        keep_freed_memory()
    kind = torch.bfloat16 if option == "bfloat16" else torch.float32
    # The fastest of all counts.
    running, peaks = "", [products(True, kind), products(False, kind)] * 3
    loops = {"ours": ours, "textbook": textbook, "peer": peer}
    for line in sys.stdin:
        if line != running and way != "peak":
            model, norm = line.split()
            turns = loops[way](model, norm == "on", threads, option)
            running, _ = line, next(turns)  # a first turn: not the start
        print(*min(map(timed, peaks if way == "peak" else [turns])), flush=True)


def turn(group: list[subprocess.Popen], line: str) -> np.ndarray:
    """Turns a second and a CPU second, summed over the processes, and page faults of
    the first.
    """
    for process in group:
        print(line, file=process.stdin, flush=True)
    answers = np.array(
        [process.stdout.readline().split() for process in group], dtype=float
    )
    return np.array([*(1 / answers[:, :2]).sum(axis=0), answers[0, 2]])


def one_step(model: str, batch_norm: bool) -> tuple[float, str]:
    """Operations of a step of ours, and where its time goes on one thread."""
    settings = {"batch_norm": batch_norm, "precision": DEFAULT}
    config = TrainingConfig(model, D, seed=0, steps=100, **settings)
    prepare_torch(config)
    state, noise = new_state(config), torch.randn(BATCH, D)
    x = load_sprites().batch(torch.arange(BATCH) * (GRID.size // BATCH))
    with FlopCounterMode(display=False) as counter:
        train_step(state, x, noise, noise, config)
    start = time.process_time()
    for _ in range(STEPS):
        train_step(state, x, noise, noise, config)
    whole = 1e3 * (time.process_time() - start) / STEPS
    with torch.profiler.profile() as profile:
        for _ in range(STEPS):
            train_step(state, x, noise, noise, config)
    spent = dict.fromkeys(PARTS, 0.0)
    for entry in profile.key_averages():
        for part, names in PARTS.items():
            if any(name in entry.key for name in names):
                spent[part] += entry.self_cpu_time_total / 1e3 / STEPS
                break
    said = [f"{part} {milliseconds:.1f}" for part, milliseconds in spent.items()]
    rest = whole - sum(spent.values())
    return (
        counter.get_total_flops(),
        f"{whole:.1f} ms: {', '.join(said)}, rest {rest:.1f}",
    )


def compare(processes: dict, model: str, norm: str, rounds: int) -> None:
    flops, parts = one_step(model, norm == "on")
    groups, line = processes.values(), f"{model} {norm}"
    earlier, peers = BARS.get(line, BARS_WITH_NORM)
    print(
        f"\n{model}, batch norm {norm}: {flops / 1e9:.2f} GFLOP a step; bars of 2 runs: "
        f"{earlier} × ours before, {peers} × textbook and peers"
    )
    taken = [[turn(group, line) for group in groups] for _ in range(rounds + 1)]
    turns = dict(
        zip(processes, np.array(taken)[1:].swapaxes(0, 1))
    )  # the first round warms up
    for name in processes:
        speed = np.median(turns[name], axis=0)
        mine = turns[OURS + ", 2 runs" * name.endswith("2 runs")]
        ratio = np.median(mine[:, :2] / turns[name][:, :2], axis=0)
        if "peak" in name:
            share = 100 * flops * STEPS / PRODUCT * ratio
            note = f"ours at {share[0]:.0f} % of it, by CPU {share[1]:.0f} %"
            print(f"{name:30} {PRODUCT * speed[0] / 1e9:5.0f} GFLOP/s    {note}")
            continue
        note = f"ours ÷ it {ratio[0]:.2f}, by CPU {ratio[1]:.2f}; {speed[2] / STEPS:.0f} faults"
        print(f"{name:30} {BATCH * STEPS * speed[0]:5.0f} images/s   {note}")
    print(f"the default here is {DEFAULT}; ratios are to it")
    gain = np.median(turns["ours, 2 runs"][:, 0] / turns["ours"][:, 0])
    print(f"ours: 2 runs do {gain:.2f} times the work of one run on two threads")
    print(f"a step of ours on one thread, {DEFAULT}: {parts}")


def earlier_copy() -> Path | None:
    """A folder with the library as it was at `BEFORE`; None where this clone has not
    got it.
    """
    if given := os.environ.get("DISENTLIB_BEFORE"):
        return Path(given)
    folder = Path(tempfile.mkdtemp(prefix="disentlib-before-"))
    atexit.register(shutil.rmtree, folder)
    words = ["git", "-C", str(ROOT), "archive", BEFORE, "disentlib", "bench"]
    found = shutil.which("git") and subprocess.run(words, capture_output=True)
    if not found or found.returncode:
        print(
            f"no git here that has commit {BEFORE}: git fetch --unshallow, or give a folder "
            "with that library in DISENTLIB_BEFORE"
        )
        return None
    subprocess.run(["tar", "-x", "-C", str(folder)], input=found.stdout, check=True)
    return folder


def main() -> None:
    words = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=words, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        return work(arguments.work[0], int(arguments.work[1]))
    # In all ways alike waiting threads sleep: spinning ones are a disaster on a busy
    # machine.
    options = {"env": os.environ | {"OMP_WAIT_POLICY": "passive"}, "text": True}
    options |= {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = {}
    before = earlier_copy()
    for name, (what, threads, count) in WAYS.items():
        script, own = __file__, dict(options)
        if what == "before":
            if before is None:
                continue
            script, what = before / "bench" / "training_step.py", "ours"
            own["env"] = options["env"] | {"PYTHONPATH": str(before)}
        command = [sys.executable, str(script), "--work", what, str(threads)]
        processes[name] = [subprocess.Popen(command, **own) for _ in range(count)]
    for model, norm in itertools.product(("beta_vae", "factor_vae"), ("on", "off")):
        compare(processes, model, norm, arguments.rounds)
    for process in itertools.chain(*processes.values()):
        process.communicate()


if __name__ == "__main__":
    main()
