"""What the book is made of, and which of it a page's outputs hang on."""

import yaml

from disentlib.study import sources as study_sources
from disentlib.study.sources import results_beside, sources, what_a_page_reads


def test_outputs_are_made_anew_when_what_they_read_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(study_sources, "RESULTS", tmp_path)
    looks, looks_not = "from disentlib.study import results", "import disentlib.models"

    def both(study="quick"):
        return what_a_page_reads(looks, study), what_a_page_reads(looks_not, study)

    before, other = both(), both("desk")
    assert both() == before
    assert other[0] != before[0] and other[1] == before[1]
    (tmp_path / "table.csv").write_text("a")
    after = both()
    assert after[0] != before[0] and after[1] == before[1]


def test_outputs_are_made_anew_when_what_runs_changes(tmp_path, monkeypatch):
    file = tmp_path / "words.py"
    file.write_text("one = 1")
    monkeypatch.setattr(study_sources, "read_by", lambda code: {file})
    monkeypatch.setattr(study_sources, "ROOT", tmp_path)
    (tmp_path / "requirements.lock").touch()
    before = what_a_page_reads("", "quick")
    assert what_a_page_reads("", "quick") == before
    file.write_text("one = 2")
    assert what_a_page_reads("", "quick") != before


def test_our_extensions_are_among_what_reads_the_pages():
    sphinx = yaml.safe_load((study_sources.ROOT / "_config.yml").read_text())["sphinx"]
    ours = [n for n in sphinx["extra_extensions"] if n.startswith("disentlib.")]
    files = [f"{n.removeprefix('disentlib.').replace('.', '/')}.py" for n in ours]
    assert [*study_sources.EXTENSIONS] == files


def test_what_executes_pages_is_read_by_all_and_the_library_by_what_is_no_python(
    monkeypatch,
):
    asked = []
    monkeypatch.setattr(
        study_sources, "digest_of", lambda files, _: asked.append([*files])
    )
    for code in ("import numpy", "%matplotlib inline", "print(1"):
        what_a_page_reads(code, "quick")
    library = [{p.name for p in files if p.suffix == ".py"} for files in asked]
    assert library[0] == {"kernels.py", "forked.py", "outputs.py"}
    assert len(library[1]) > 100 and library[1] == library[2]


def test_who_counts_exercises_reads_all_pages(monkeypatch):
    asked = []
    monkeypatch.setattr(
        study_sources, "digest_of", lambda files, _: asked.append([*files])
    )
    for module in ("course.exercises", "course.answers"):
        what_a_page_reads(f"import disentlib.{module}", "quick")
    pages = [{p.name for p in files if p.suffix == ".md"} for files in asked]
    assert {"elbo.md", "glossary.md"} <= pages[0] and pages[1] == set()


def test_the_book_hangs_on_every_file_it_is_made_of(tmp_path, monkeypatch):
    """And on the results of other studies, not on those that its own study makes."""
    every = {*sources()}
    for name in ("book/references.bib", "notebooks/data/plans.yml", "studies/desk.yml"):
        assert name in every
    assert "disentlib/study/sources.py" in every and "requirements.lock" in every
    assert not any("__pycache__" in n or n.startswith("results/") for n in every)
    monkeypatch.setattr(study_sources, "RESULTS", tmp_path)
    for name in ("quick", "desk"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.csv").write_text("a")
    before = results_beside("quick"), results_beside("desk")
    (tmp_path / "quick" / "table.csv").write_text("b")
    assert results_beside("quick") == before[0] and results_beside("desk") != before[1]
