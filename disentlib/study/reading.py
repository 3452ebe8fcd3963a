"""A study's file, read strictly: no key twice, and names that mean themselves
everywhere.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from disentlib.checks import shown

# Names become folders, words of a shell, regular expressions, cells of a CSV file and
# parts of an address, and mean themselves in each of these …
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# … unless YAML or pandas reads another value in them.
READ_OTHERWISE = {"y", "n", "yes", "no", "on", "off", "true", "false"}
READ_OTHERWISE |= {"null", "none", "nan", "na", "nat", "inf", "infinity"}


def read_yaml(path: Path) -> Mapping[str, Any]:
    """The mapping in a YAML file; `ValueError` in one line for what is no YAML.

    A file of something else is an empty mapping.
    """
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not YAML ({' '.join(str(error).split())})") from error
    return content if isinstance(content, dict) else {}


def check_name(what: str, name: Any) -> None:
    """Raise `ValueError` in one line for a name that does not mean itself
    everywhere.
    """
    good = isinstance(name, str) and NAME.fullmatch(name)
    if not good or name.lower() in READ_OTHERWISE:
        raise ValueError(
            f"{what} {shown(name)} is no name; give letters, digits, _ and -, "
            "a letter first, which is no yes, no or none"
        )


def check_distinct(what: str, names: Mapping[Any, Any]) -> None:
    """Folders on some systems do not tell capitals from small letters."""
    name, times = Counter(str(name).lower() for name in names).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{what} {name} is there in capitals and small letters, too")


def mapping(what: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f"{what}: {given!r} must be a mapping of names to values")
    return given


def check_keys(what: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{what}s {given!r} must be a mapping with some of {', '.join(known)}"
        )
    if unknown := sorted(set(map(str, given)) - set(known)):
        raise ValueError(
            f"unknown {what} {', '.join(unknown)}; choose from {', '.join(known)}"
        )


class _Loader(yaml.SafeLoader):
    """YAML in which no key is given twice: else the last one would win, unseen."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        keys = [str(key.value) for key, _ in node.value]
        line = node.start_mark.line + 1
        if "<<" in keys:
            raise ValueError(f"<< from line {line} on is not read; write them out")
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise ValueError(f"key {twice[0]} is given twice from line {line} on")
