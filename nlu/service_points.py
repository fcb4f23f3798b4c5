"""Where services are given: a table any office can export. ``service_points/*.csv``, one point a row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from nlu.errors import DataMalformed
from nlu.places import Gazetteer

KINDS = {"hall", "legal_service", "clinic", "elderly_canteen", "hotline_station"}
_COLUMNS = ("id", "kind", "name", "district", "subdistrict", "address", "lat", "lon", "phone", "hours", "note")


@dataclass(frozen=True)
class ServicePoint:
    """``lat`` and ``lon`` are degrees (WGS 84); ``district`` and ``subdistrict`` are codes of ``places/``."""

    id: str
    kind: str
    name: str
    district: str
    subdistrict: str
    address: str
    lat: float
    lon: float
    phone: str
    hours: str
    note: str


def load_service_points(folder: Path, places: Gazetteer) -> list[ServicePoint]:
    """All points of a city; none where the folder holds no table. Raises :class:`DataMalformed` with every fault, file and line."""
    faults: list[str] = []
    points: dict[str, ServicePoint] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = sorted(set(_COLUMNS) - set(reader.fieldnames or []))
            if missing:
                faults.append(f"{path}:1: no column {', '.join(missing)}")
                continue
            for row in reader:
                where = f"{path}:{reader.line_num}"
                problem = _fault(row, places, points)
                if problem:
                    faults.append(f"{where}: {problem}")
                else:
                    values = {name: row[name].strip() for name in _COLUMNS}
                    points[values["id"]] = ServicePoint(
                        **{**values, "lat": float(row["lat"]), "lon": float(row["lon"])}  # type: ignore[arg-type]
                    )
    if faults:
        raise DataMalformed("\n".join(faults[:40]))
    return list(points.values())


def _fault(row: dict[str, str], places: Gazetteer, points: dict[str, ServicePoint]) -> str | None:
    if None in row or None in row.values():
        return "another number of columns than the header; quote texts that contain commas"
    if not row["id"].strip() or row["id"].strip() in points:
        return f"id '{row['id']}' is empty or stands twice"
    if row["kind"] not in KINDS:
        return f"unknown kind '{row['kind']}'; known: {', '.join(sorted(KINDS))}"
    if row["district"] not in places.districts:
        return f"unknown district '{row['district']}'"
    home = places.subdistricts.get(row["subdistrict"])
    if row["subdistrict"] and (home is None or home[1] != row["district"]):
        return f"'{row['subdistrict']}' is no subdistrict of '{row['district']}'"
    try:
        lat, lon = float(row["lat"]), float(row["lon"])
    except ValueError:
        return f"'{row['lat']}', '{row['lon']}' are no degrees"
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return f"{lat}, {lon} lies nowhere on earth"
    return None
