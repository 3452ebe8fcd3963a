"""What the repository says of itself: citation, licences, the README's commands and
links.
"""

import re
import runpy
from importlib import metadata

import pytest
import yaml

from disentlib.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
LAYERS = runpy.run_path(str(ROOT / ".ci" / "layers.py"))
TRACKED = [str(path.relative_to(ROOT)) for path in LAYERS["reads"].files(ROOT, (".",))]
PROSE = [name for name in TRACKED if name.endswith((".md", ".cff", ".yml"))]


def test_citation_has_its_keys_and_the_version_of_the_library():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    for key in ("message", "title", "abstract", "authors", "license"):
        assert citation[key], key
    assert all(
        author.get("name") or author.get("family-names")
        for author in citation["authors"]
    )
    assert str(citation["version"]) == metadata.version("disentlib")


def test_the_title_is_one():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    book = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert citation["title"] == book["title"]
    assert book["title"] in (ROOT / "LICENSE-text").read_text(encoding="utf-8").replace(
        "\n", " "
    )


@pytest.mark.parametrize(
    "name, says", [("LICENSE", "MIT License"), ("LICENSE-text", "CC BY 4.0")]
)
def test_licences_are_there(name, says):
    assert name in TRACKED
    text = (ROOT / name).read_text(encoding="utf-8")
    assert says in text and "The disentlib authors" in text


@pytest.mark.parametrize("page", ["README.md", "book/reproduce.md"])
def test_make_commands_exist(page):
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )
    text = (ROOT / page).read_text(encoding="utf-8")
    asked = set(re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE))
    assert {"study", "test", "book"} <= asked
    assert asked - targets == set()


@pytest.mark.parametrize("page", ["README.md", "book/reproduce.md"])
def test_studies_and_profiles_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in set(re.findall(r"\bSTUDY=([a-z]\w*)", text)) - {"mine"}:
        assert (ROOT / "studies" / f"{name}.yml").is_file(), name
    for path in set(re.findall(r"\bPROFILE=([\w/]+)", text)):
        assert (ROOT / path).is_dir(), path


def test_readme_links_to_files():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 5
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PROSE)
def test_no_page_knows_a_machine(page):
    """A page that names a folder of the machine it was written on runs nowhere else."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert (
        re.findall(r"(?<![\w.~$}])/(?:home|root|work|tmp|Users|mnt)/[\w.-]+", text)
        == []
    )
