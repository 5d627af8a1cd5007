"""What the benchmarks print: one table per part, with absolute figures and their ratio."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import fanout, load

Row = dict[str, Any]
TARGETS = {
    ("inbox page", "peer, one SQL"): "CPU at most 0.75",
    ("thread page", "peer, one SQL"): "CPU at most 0.8",
    ("sendMessage", "peer, one SQL"): "CPU at most 2.0",
    ("sendMessage", "peer, one SQL, token"): "CPU at most 0.9",
    ("fan-out", "peer"): "speed at least 4",
}
"""What Parley is to reach, in the figures of a server."""


def machine(postgres_version: str) -> str:
    """Return the line that says where the figures are from."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, PostgreSQL {postgres_version},"
        f" SQLite {sqlite3.sqlite_version}"
    )


def load_row(database: str, part: str, figures: Mapping[str, load.Figures]) -> Row:
    """Return what one part measured, as it is kept."""
    row: Row = {"database": database, "part": part}
    for name, one in figures.items():
        row[name] = {
            "requests_per_second": round(one.per_second, 1),
            "cpu_us_per_request": round(one.cpu_microseconds, 1),
            "p50_ms": round(one.milliseconds(50), 2),
            "p99_ms": round(one.milliseconds(99), 2),
        }
    return row | {"ratios": ratios(row, figures, part)}


def ratios(row: Row, names: Iterable[str], part: str) -> dict[str, Row]:
    """Return Parley's figures in those of each other server, with the target where there is one."""
    return {
        name: {key: round(row["parley"][key] / row[name][key], 3) for key in row[name]}
        | {"target": TARGETS.get((part, name))}
        for name in names
        if name != "parley"
    }


def fanout_row(database: str, subscribers: int, figures: Mapping[str, fanout.Figures]) -> Row:
    """Return what one fan-out measured, as it is kept."""
    row: Row = {"database": database, "subscribers": subscribers}
    for name, one in figures.items():
        row[name] = {
            "deliveries_per_second": round(one.per_second, 1),
            "cpu_us_per_delivery": round(one.cpu_microseconds, 1),
            "p50_ms": round(one.p50_milliseconds, 2),
            "p99_ms": round(one.p99_milliseconds, 2),
            "kib_per_connection": round(one.kib_per_connection, 1),
        }
    return row | {"ratios": ratios(row, figures, "fan-out")}


def print_table(title: str, lead: str, rows: list[Row], lead_key: str) -> None:
    """Print one line per server: its figures, and Parley's speed and processor time in those."""
    keys = list(rows[0]["parley"])
    widths = [max(len(key), 9) for key in keys]
    first = max(len(lead), *(len(str(row[lead_key])) for row in rows)) + 2
    print(f"\n{title}")
    labels = "  ".join(key.rjust(width) for key, width in zip(keys, widths, strict=True))
    print(f"{lead:<{first}}{'server':<22}{labels}  Parley: speed    CPU  target")
    for row in rows:
        label = row[lead_key]
        for name in ("parley", *row["ratios"]):
            shown = [f"{row[name][key]:,}".rjust(w) for key, w in zip(keys, widths, strict=True)]
            line = f"{label:<{first}}{name:<22}{'  '.join(shown)}"
            if name != "parley":
                ratio = row["ratios"][name]
                line += f"          {ratio[keys[0]]:5.2f}  {ratio[keys[1]]:5.2f}"
                line += f"  {ratio['target'] or ''}"
            print(line.rstrip())
            label = ""


def keep(path: Path, content: Mapping[str, Any]) -> None:
    """Write the figures of a run as JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n")
