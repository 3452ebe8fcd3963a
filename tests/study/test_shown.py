"""What the pages show of a run, in words."""

from synthetic_study import synthetic

from disentlib.study import plan
from disentlib.study.evidence import evidence_of
from disentlib.study.shown import traversal_figure


def test_a_row_is_named_once_with_the_first_two_things_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    results = synthetic(tmp_path, seeds=1, steps=[1000], levels=[4])
    figure = traversal_figure(evidence_of(results, {}), "beta_vae")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    words = "3 pixels down\nscale +0.1 (1.00)"
    assert sorted(labels) == [f"z{d}: {words}" for d in range(4)]
