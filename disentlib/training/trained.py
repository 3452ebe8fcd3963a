"""The model of a run, from its folder."""

from pathlib import Path

from disentlib.checks import checked_path, whole_number
from disentlib.files import read_mapping
from disentlib.models.networks import VAE, hollow
from disentlib.training.checkpoints import digest, load_tensors
from disentlib.training.folder import RunFolder, configuration_of
from disentlib.training.same import require_whose


def load_model(folder: str | Path, step: int | None = None) -> VAE:
    """The trained VAE of a run's folder in evaluation mode, or its snapshot after
    `step`.

    Raises `FileNotFoundError` for a run that is not there, `ValueError` for a file that
    is damaged or another run's.
    """
    checked_path("folder", folder)
    if step is not None:
        whole_number("step", step, 0)
    files = RunFolder(Path(folder))
    path = files.model(step)
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; train this run first")
    config = configuration_of(folder)
    tensors, facts = load_tensors(path)
    whose = f"{path} is another run's: put its own back, or train anew elsewhere"
    if step is None:
        known = read_mapping(files.result) if files.result.exists() else {}
        if known.get("digest", digest(tensors)) != digest(tensors):
            raise ValueError(f"{whose} ({files.result.name} has another digest)")
    elif facts.get("step") != step:
        raise ValueError(f"{whose} (it is of step {facts.get('step')})")
    vae = hollow(config.D, config.batch_norm, config.mean_norm)
    full = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    try:
        vae.load_state_dict(full, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{whose} (its shapes are not of D = {config.D})") from error
    require_whose(facts, config, path)
    return vae.eval().requires_grad_(False)
