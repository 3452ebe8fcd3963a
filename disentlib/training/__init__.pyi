from disentlib.training.configuration import MODELS, TrainingConfig
from disentlib.training.loop import train
from disentlib.training.trained import load_model

__all__ = ["MODELS", "TrainingConfig", "load_model", "train"]
