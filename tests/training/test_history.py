"""The history: means over a window, active dimensions, the table as tensor
and as file.
"""

import math

import pytest
import torch

from disentlib.training import history

D = 3


def window(rows=4):
    torch.manual_seed(0)
    return 100 * torch.rand(rows, len(history.STEP_COLUMNS) + D)


def record(steps=4, **changes):
    rest = {"step": steps, "epoch": 0.1, "seconds": 1.5, "joules": 15.0}
    rest |= {"images_per_second": 1 / 3, "learning_rate": 1e-4}
    return history.record_of(window(steps)) | rest | changes


def same(one, other):
    return one.keys() == other.keys() and all(
        one[k] == other[k] or (math.isnan(one[k]) and math.isnan(other[k])) for k in one
    )


def test_columns():
    columns = history.columns(D)
    assert columns[0] == "step" and len(columns) == len(set(columns))
    assert {"epoch", "seconds", "joules", "images_per_second", "kl_0", "kl_2"} < set(
        columns
    )
    assert "kl_3" not in columns and set(history.STEP_COLUMNS) < set(columns)
    assert set(record()) == set(columns)


def test_a_record_holds_means_over_its_window():
    w, values = window(), history.record_of(window())
    for i, name in enumerate(history.STEP_COLUMNS):
        assert values[name] == pytest.approx(float(w[:, i].mean()), rel=1e-6)
    kl = [values[f"kl_{j}"] for j in range(D)]
    assert kl == pytest.approx(w[:, -D:].mean(dim=0).tolist(), rel=1e-6)
    assert values["kl"] == math.fsum(kl)


@pytest.mark.parametrize(
    ("kl", "active"),
    [((0, 0, 0), 0), ((0.009, 0.011, 5), 2), ((1, 2, 3), 3), ((math.nan,) * 3, 0)],
)
def test_a_dimension_is_active_above_a_hundredth_of_a_nat(kl, active):
    w = window()
    w[:, -D:] = torch.tensor(kl)
    assert history.record_of(w)["active"] == active


def test_the_mean_over_the_window_decides_not_one_batch():
    w = window(4)
    w[:, -D:] = 0
    w[0, -1] = 0.1
    assert history.record_of(w)["active"] == 1  # 0.025 on average
    w[0, -1] = 0.03
    assert history.record_of(w)["active"] == 0


def test_round_trips_as_tensor_and_as_file(tmp_path):
    undefined = dict.fromkeys(("total_correlation", "discriminator_loss"), math.nan)
    records = [record(2), record(4, **undefined)]
    as_tensor = history.from_tensor(history.to_tensor(records, D), D)
    history.write_history(tmp_path / "history.csv", records, D)
    as_file = history.read_history(tmp_path / "history.csv")
    for again in (as_tensor, as_file):
        assert len(again) == 2 and all(same(*pair) for pair in zip(again, records))
        assert all(type(r[name]) is int for r in again for name in ("step", "active"))
    text = (tmp_path / "history.csv").read_text()
    assert "nan" not in text and text.splitlines()[0].split(",") == history.columns(D)


def test_no_records_yet(tmp_path):
    assert history.from_tensor(history.to_tensor([], D), D) == []
    history.write_history(tmp_path / "history.csv", [], D)
    assert history.read_history(tmp_path / "history.csv") == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e6, -1e7])
def test_bad_losses_are_named_with_their_step(bad):
    w = window()
    history.check_window(w, 11)
    w[2, history.STEP_COLUMNS.index("total")] = bad
    with pytest.raises(
        FloatingPointError, match=r"^step 13: total loss .* lower learn"
    ) as error:
        history.check_window(w, 11)
    assert "\n" not in str(error.value) and f"{bad:g}" in str(error.value)


def test_undefined_terms_are_no_trouble():
    w = window()
    w[:, [history.STEP_COLUMNS.index("total_correlation"), -1]] = math.nan
    history.check_window(w, 1)
