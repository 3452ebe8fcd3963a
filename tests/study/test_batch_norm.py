"""What batch norm does, told of the runs that have it at the hidden layers."""

import pandas as pd
from synthetic_study import synthetic

from disentlib.study import plan
from disentlib.study.batch_norm import norm_pairs, norm_sentence
from disentlib.study.evidence import evidence_of


def trained(results, **where):
    """Write where each variant was trained."""
    rows = [(name, *told.split()) for name, told in where.items()]
    table = pd.DataFrame(rows, columns=["variant", "device", "precision"])
    table["variant"] = table["variant"].replace("plain", "")
    table.to_csv(results.folder / "runs.csv", index=False)


def test_it_tells_where_those_runs_were_trained_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    plain = {"batch_norm": False}
    norms = {"hidden": {"batch_norm": True}, "means": {"mean_norm": True} | plain}
    main = synthetic(tmp_path, name="desk", steps=[250], pictures=False)
    normed = synthetic(
        tmp_path, name="batch_norm", variants=norms, steps=[250], pictures=False
    )
    evidence = evidence_of(main, {"batch_norm": normed})
    step, pairs = norm_pairs(evidence, "mig")
    assert step == 250 and len(pairs) == 2 * 5 * 3
    trained(main, plain="cuda bfloat16")
    trained(normed, hidden="cpu bfloat16", means="cpu float32")
    assert (
        "Those with it were trained on a CPU in bfloat16, those without on a card in "
        "bfloat16; "
    ) in norm_sentence(evidence)
    trained(normed, hidden="cuda bfloat16", means="cpu float32")
    assert "were trained" not in norm_sentence(evidence)
