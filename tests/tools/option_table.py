#!/usr/bin/env python3
"""option_table.py: the Markdown tables of options and metrics, from what the program says of itself.

    option_table.py FILE.md ...           rewrites what stands between <!-- options COMMAND --> or
                                          <!-- metrics --> and its end mark
    option_table.py --check FILE.md ...   fails if that would change anything

LSTMD names the program to ask (build/lstmd). SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import subprocess
import sys


def ask(*arguments):
    """What lstmd prints, without the caller's settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LSTMD_")}
    program = os.environ.get("LSTMD", "build/lstmd")
    return subprocess.run([program, *arguments], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def options(command):
    lines = ["| option | default | what it does |", "| --- | --- | --- |"]
    own = ask(command, "--help").split("\nOptions:\n")[1].split("\n\n")[0]
    for row in re.split(r"\n(?=  --)", "\n" + own)[1:]:
        words = " ".join(row.split())
        flag, text, note = re.fullmatch(r"(--\S+(?: [A-Z]+)?) (.*) \((.*)\)", words).groups()
        default = re.match(r"default (.*); LSTMD_", note)
        text = text.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{flag}` | {default.group(1) if default else ''} | {text} |")
    return lines


def metrics():
    lines = ["| metric | kind | what it tells |", "| --- | --- | --- |"]
    section = ask("man").split("\n.SH METRICS\n")[1].split("\n.SH ")[0]
    for row in section.replace("\\-", "-").split(".TP\n")[1:]:
        name, labels, text, kind = re.fullmatch(
            r"\\fB(\w+)\\fR(?: \\fI(.*)\\fR)?\n(.*) \((\w+)\)\n?", row).groups()
        shown = "{" + labels.replace(" ", "") + "}" if labels else ""
        lines.append(f"| `{name}{shown}` | {kind} | {text} |")
    return lines


def fill(match):
    begin, what, command, end = match.group(1, 2, 3, 4)
    table = options(command) if what == "options" else metrics()
    return begin + "\n".join(table) + "\n" + end


def main():
    check = sys.argv[1] == "--check"
    failed = False
    for path in sys.argv[2 if check else 1:]:
        with open(path, encoding="utf-8") as file:
            before = file.read()
        text = re.sub(r"(<!-- (options|metrics)(?: (\w+))? -->\n).*?(<!-- /\2 -->\n)", fill, before,
                      flags=re.S)
        if check and text != before:
            print(f"{path} is out of step with the tables: run tests/tools/option_table.py {path}",
                  file=sys.stderr)
            failed = True
        if not check:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    sys.exit(failed)


main()
