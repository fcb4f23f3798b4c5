from pathlib import Path

import pytest

from nlu.errors import DataMalformed
from nlu.reader import City
from nlu.service_points import load_service_points

SHIPPED = Path(__file__).parents[2] / "training_data"
HEADER = "id,kind,name,district,subdistrict,address,lat,lon,phone,hours,note\n"


def test_what_is_shipped_is_marked_as_made_up() -> None:
    points = load_service_points(SHIPPED / "service_points", City.load(SHIPPED).places)
    assert len(points) >= 20 and len({p.district for p in points}) == 11
    assert all("示例" in p.name and p.note == "演示数据" for p in points)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,hall,甲,west,,x,1,2,1,9-5,", "points.csv:2: unknown district 'west'"),
        ("a,hall,甲,south,north_mill,x,1,2,1,9-5,", "'north_mill' is no subdistrict of 'south'"),
        ("a,castle,甲,south,,x,1,2,1,9-5,", "unknown kind 'castle'"),
        ("a,hall,甲,south,,x,here,2,1,9-5,", "no degrees"),
        ("a,hall,甲,south,,x,100,2,1,9-5,", "nowhere on earth"),
        (",hall,甲,south,,x,1,2,1,9-5,", "is empty or stands twice"),
        ("a,hall,甲,south", "another number of columns"),
    ],
)
def test_a_fault_names_file_and_line(city: City, tmp_path: Path, row: str, told: str) -> None:
    (tmp_path / "points.csv").write_text(HEADER + row + "\n", "utf-8")
    with pytest.raises(DataMalformed, match=told):
        load_service_points(tmp_path, city.places)


def test_a_city_without_a_table_has_no_points(city: City, tmp_path: Path) -> None:
    assert load_service_points(tmp_path, city.places) == []
