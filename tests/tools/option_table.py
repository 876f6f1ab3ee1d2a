#!/usr/bin/env python3
"""option_table.py: the Markdown tables of options and metrics, from the sources' own tables.

    option_table.py README.md     rewrites what stands between the markers
    option_table.py --check README.md   fails if that would change anything

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys


def c_text(source):
    """The value of adjacent C string literals."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', source))


def options():
    lines = ["| option | default | what it does |", "| --- | --- | --- |"]
    source = open("server/serve_options.c").read()
    source = source[source.index("serve_options[] = {"):]
    for row in re.findall(r'\{"([a-z0-9-]+)", OPTION_(\w+), [^,]+(?:, "([^"]*)")?(.*?\.help\s*=.*?)\}',
                          source, re.S):
        name, kind, fallback, rest = row
        value = re.search(r'\.value = "(\w+)"', rest)
        flag = f"--{name}" + (f" {value.group(1)}" if value and kind != "FLAG" else "")
        text = c_text(rest[rest.index(".help"):]).replace("|", "\\|")
        lines.append(f"| `{flag}` | {fallback or ''} | {text} |")
    return lines


def metrics():
    lines = ["| metric | kind | what it tells |", "| --- | --- | --- |"]
    source = open("server/metrics.c").read()
    source = source[source.index("metric_families[N_METRICS] = {"):source.index("\n};")]
    for body in source.split("[METRIC_")[1:]:
        name = re.search(r'\.name = "(\w+)"', body).group(1)
        kind = re.search(r"METRIC_(\w+)", body).group(1).lower()
        labels = re.search(r"\.labels = \{(.*?)\}", body, re.S)
        shown = ",".join(re.findall(r'"(\w+)"', labels.group(1))) if labels else ""
        text = c_text(body[body.index(".help"):].split(",\n")[0])
        lines.append(f"| `{name}{'{' + shown + '}' if shown else ''}` | {kind} | {text} |")
    return lines


def main():
    check = sys.argv[1] == "--check"
    path = sys.argv[-1]
    text = before = open(path).read()
    for name, table in (("options", options()), ("metrics", metrics())):
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        head, rest = text.split(begin)
        text = head + begin + "\n".join(table) + "\n" + end + rest.split(end)[1]
    if check and text != before:
        sys.exit(f"{path} is out of step with the tables: run tests/tools/option_table.py {path}")
    if not check:
        open(path, "w").write(text)


main()
