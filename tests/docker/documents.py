"""documents.py: what README.md's tables say of options and metrics, for those who use their names.

SPDX-License-Identifier: Apache-2.0

The tables are in step with the program: other tests see to that.
"""

import re


def readme_table(name: str) -> str:
    """The text between <!-- NAME --> and <!-- /... --> of README.md."""
    with open("README.md", encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf"<!-- {name} -->(.*?)<!-- /", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md: expected a table between <!-- {name} --> and its end")
    return found[1]


def serve_variables() -> set[str]:
    """LSTMD_<OPTION> of every option of lstmd serve."""
    options = re.findall(r"^\| `--(?:\[no-\])?([a-z-]+)", readme_table("options serve"), re.MULTILINE)
    return {f"LSTMD_{option.replace('-', '_').upper()}" for option in options}


def serve_defaults() -> dict[str, str]:
    """The default of every option of lstmd serve, by its variable."""
    rows = re.findall(r"^\| `--(?:\[no-\])?([a-z-]+)[^|]*\| ([^|]*) \|", readme_table("options serve"), re.MULTILINE)
    return {f"LSTMD_{option.replace('-', '_').upper()}": default.strip() for option, default in rows}


def routes() -> set[str]:
    """The names of the routes, as metrics have them."""
    with open("server/routes.c", encoding="utf-8") as file:
        return set(re.findall(r'^    \{"[A-Z]+", [^,]+, "(\w+)",', file.read(), re.MULTILINE))


def metrics() -> dict[str, tuple[str, set[str]]]:
    """Kind and labels of each metric."""
    rows = re.findall(r"^\| `(\w+)(?:\{([\w,]*)\})?` \| (\w+) \|", readme_table("metrics"), re.MULTILINE)
    return {name: (kind, set(filter(None, labels.split(",")))) for name, labels, kind in rows}
