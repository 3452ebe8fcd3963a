"""Seconds and joules of a run, over all its starts."""

import time

from disentlib.training.configuration import TrainingConfig
from disentlib.training.energy import open_meter
from disentlib.training.schedules import rate_factor
from disentlib.training.state import State


class Clock:
    """Counts on from what a state has used before; no result depends on it."""

    def __init__(self, state: State, config: TrainingConfig) -> None:
        self._config = config
        self.energy_source, self._joules = open_meter(config.device)
        self._start = self._now = self._last = time.monotonic()
        self._before = (state.seconds, state.joules)
        self._last_step = state.step

    def read(self, state: State) -> None:
        """Put the seconds and joules so far into the state."""
        self._now = time.monotonic()
        seconds, joules = self._before
        state.seconds = seconds + self._now - self._start
        state.joules = joules + self._joules()

    def record(self, state: State, epoch: float) -> dict[str, float]:
        """What a record says of time; its speed is that since the record before."""
        images = (state.step - self._last_step) * self._config.batch_size
        speed = images / max(self._now - self._last, 1e-9)
        self._last, self._last_step = self._now, state.step
        rate = rate_factor(state.step, self._config) * self._config.learning_rate
        return {
            "step": state.step,
            "epoch": epoch,
            "seconds": state.seconds,
            "joules": state.joules,
            "images_per_second": speed,
            "learning_rate": rate,
        }
