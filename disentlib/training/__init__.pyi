from disentlib.training.configuration import MODELS, TrainingConfig
from disentlib.training.folder import load_model
from disentlib.training.loop import train

__all__ = ["MODELS", "TrainingConfig", "load_model", "train"]
