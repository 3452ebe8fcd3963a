"""What a run writes down of where it ran."""

import subprocess

import pytest

from disentlib.training import machine


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.delenv("DISENTLIB_COMMIT", raising=False)
    for name in ("disentlib/step.py", "results/table.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("1")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_a_commit_is_dirty_where_code_was_changed(repository):
    """Not where a sweep has put its tables beside it."""
    clean = machine.commit()
    assert len(clean) == 12
    (repository / "results/table.csv").write_text("2")
    assert machine.commit() == clean
    (repository / "disentlib/step.py").write_text("2")
    assert machine.commit() == f"{clean}-dirty"


def test_without_a_history_there_is_no_commit_but_a_given_one(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.delenv("DISENTLIB_COMMIT", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine.commit() is None
    monkeypatch.setenv("DISENTLIB_COMMIT", "abc")
    assert machine.commit() == "abc"
