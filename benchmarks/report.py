"""What the benchmarks print: one table per part, with absolute figures and their ratio."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import fanout, load

Row = dict[str, Any]


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
    row["ratio"] = {
        key: round(row["parley"][key] / row["bare"][key], 3)
        for key in ("requests_per_second", "cpu_us_per_request")
    }
    return row


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
    row["ratio"] = {
        key: round(row["parley"][key] / row["bare"][key], 3)
        for key in ("deliveries_per_second", "cpu_us_per_delivery")
    }
    return row


def print_table(title: str, lead: str, rows: list[Row], lead_key: str) -> None:
    """Print one row per server, its speed and its processor time in those of the bare program."""
    keys = list(rows[0]["parley"])
    widths = [max(len(key), 9) for key in keys]
    first = max(len(lead), *(len(str(row[lead_key])) for row in rows)) + 2
    print(f"\n{title}")
    labels = "  ".join(key.rjust(width) for key, width in zip(keys, widths, strict=True))
    print(f"{lead:<{first}}{'server':<8}{labels}  speed    CPU")
    for row in rows:
        for name in ("bare", "parley"):
            shown = [f"{row[name][key]:,}".rjust(w) for key, w in zip(keys, widths, strict=True)]
            speed, cpu = row["ratio"].values() if name == "parley" else (1, 1)
            label = row[lead_key] if name == "bare" else ""
            print(f"{label:<{first}}{name:<8}{'  '.join(shown)}  {speed:5.2f}  {cpu:5.2f}")


def keep(path: Path, content: Mapping[str, Any]) -> None:
    """Write the figures of a run as JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n")
