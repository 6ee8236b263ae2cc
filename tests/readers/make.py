#!/usr/bin/env python3
"""Writes the files of this folder: one table in every format durbin reads, by programs that are not durbin.

    python3 tests/readers/make.py        needs numpy, pandas, openpyxl and pyarrow

`castle.*`: columns of examples/castle/panel.csv. Its numbers are single precision in the Stata file they come from, and
are written so wherever a format can.
`mixed_*.dta`: text with accents, value labels, long strings, missing values, every type of number, in every version.
"""
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.io.stata import StataWriter, StataWriter117, StataWriterUTF8

HERE = Path(__file__).resolve().parent
KEPT = ["state", "year", "l_homicide", "unemployrt", "poverty", "l_police", "law_year", "popwt"]


def castle():
    source = HERE.parent.parent / "examples" / "castle" / "panel.csv"
    text = pd.read_csv(source, dtype=str, keep_default_na=False)[KEPT]
    text.to_csv(HERE / "castle.csv", index=False)
    with gzip.GzipFile(HERE / "castle.csv.gz", "wb", mtime=0) as out:
        out.write((HERE / "castle.csv").read_bytes())
    table = pd.read_csv(source)[KEPT]
    floats = [c for c in KEPT if c not in ("state", "year", "law_year")]
    single = table.astype({c: np.float32 for c in floats}).astype({"year": np.int16})
    single.to_stata(HERE / "castle.dta", write_index=False, version=118, time_stamp=pd.Timestamp("2026-01-01"))
    columns(single, table)
    # a sheet holds doubles: those the text stands for
    with pd.ExcelWriter(HERE / "castle.xlsx", engine="openpyxl") as out:
        pd.DataFrame({"note": ["the table is on the next sheet"]}).to_excel(out, sheet_name="About", index=False)
        table.to_excel(out, sheet_name="Panel", index=False, startrow=2, startcol=1)
    european = text.map(lambda c: c.replace(".", ",") if c.replace(".", "").replace("e+", "").replace("-", "").isdigit() else c)
    european.to_csv(HERE / "castle_european.csv", index=False, sep=";")
    chinese = {s: f"州{i:02d}" for i, s in enumerate(sorted(set(text.state)))}
    renamed = text.assign(state=text.state.map(chinese))
    (HERE / "castle_gb18030.csv").write_bytes(renamed.to_csv(index=False).encode("gb18030"))
    (HERE / "castle_utf16.csv").write_bytes(renamed.to_csv(index=False).encode("utf-16"))


def columns(single, table):
    """The same table by columns, packed and coded in several ways, and every type a cell can have."""
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as parquet
    whole = pa.Table.from_pandas(single.assign(law_year=table.law_year.astype("Int32")), preserve_index=False)
    parquet.write_table(whole, HERE / "castle.parquet", compression="snappy")
    coded = whole.set_column(0, "state", whole["state"].dictionary_encode())
    parquet.write_table(coded, HERE / "castle_gzip.parquet", compression="gzip", row_group_size=100)
    feather.write_feather(coded, HERE / "castle.arrow", compression="lz4")
    day = pd.Timestamp("2015-03-01")
    every = pa.table({
        "whole": pa.array([-5, None, 7], pa.int8()),
        "large": pa.array([2**63 - 1, 0, None], pa.int64()),
        "natural": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "coarse": pa.array([0.1, None, -3.5e-7], pa.float32()),
        "real": pa.array([0.1, float("nan"), 1.25e300], pa.float64()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["Köln", None, "e\u0301"], pa.large_string()),
        "view": pa.array(["a", "", "a text of more than twelve bytes"], pa.string_view()),
        "coded": pa.array(["Nord", None, "Nord"]).dictionary_encode(),
        "day": pa.array([day.date(), None, pd.Timestamp("1969-12-31").date()], pa.date32()),
        "moment": pa.array([day, None, day + pd.Timedelta("1h2min3s")], pa.timestamp("us")),
        "exact": pa.array(["1.50", None, "-0.25"]).cast(pa.decimal128(10, 2)),
        "nothing": pa.nulls(3),
    })
    parquet.write_table(every, HERE / "every.parquet", compression="none")
    feather.write_feather(every, HERE / "every.arrow", compression="uncompressed")
    lists = pa.table({"town": ["A"], "parts": pa.array([[1, 2]], pa.list_(pa.int32()))})
    parquet.write_table(lists, HERE / "lists.parquet")
    parquet.write_table(pa.table({"town": ["A", "B"]}), HERE / "zstd.parquet", compression="zstd")


def mixed():
    table = pd.DataFrame({
        "town": ["Köln", "Málaga", "Øy"],
        "year": np.array([2001, 2002, 2003], dtype=np.int16),
        "region": pd.Categorical(["Nord", "Süd", "Nord"]),
        "small": np.array([-127, 0, 100], dtype=np.int8),
        "large": np.array([-2_000_000_000, 0, 2_000_000_000], dtype=np.int32),
        "coarse": np.array([0.1, np.nan, -3.5e-7], dtype=np.float32),
        "real": [0.1, np.nan, 1.25e300],
        "remark": ["short", "", "ä" * 3000],
    })
    old = table.drop(columns="remark")
    stamp = dict(write_index=False, time_stamp=pd.Timestamp("2026-01-01"))
    for order in ("little", "big"):
        StataWriter(HERE / f"mixed_114_{order}.dta", old, byteorder=order, **stamp).write_file()
        plain = table.assign(remark=["short", "", "a" * 3000])
        StataWriter117(HERE / f"mixed_117_{order}.dta", plain, byteorder=order, convert_strl=["remark"], **stamp).write_file()
        for version in (118, 119):
            name = HERE / f"mixed_{version}_{order}.dta"
            StataWriterUTF8(name, table, byteorder=order, version=version, convert_strl=["remark"], **stamp).write_file()
    # 115 is 114 under another number; 113 has shorter formats
    raw = (HERE / "mixed_114_little.dta").read_bytes()
    (HERE / "mixed_115_little.dta").write_bytes(bytes([115]) + raw[1:])
    k = old.shape[1]
    start = 109 + k + 33 * k + 2 * (k + 1)
    formats = b"".join(raw[start + 49 * i: start + 49 * i + 12] for i in range(k))
    (HERE / "mixed_113_little.dta").write_bytes(bytes([113]) + raw[1:start] + formats + raw[start + 49 * k:])


def cases():
    """Files of tests/cases/data that are no text."""
    to = HERE.parent / "cases" / "data"
    towns = pd.read_csv(to / "towns.csv")
    with pd.ExcelWriter(to / "towns.xlsx", engine="openpyxl") as out:
        towns.to_excel(out, sheet_name="Towns", index=False)
        towns.head(2).to_excel(out, sheet_name="Notes", index=False)
    book = (to / "towns.xlsx").read_bytes()
    (to / "cut.xlsx").write_bytes(book[: len(book) // 2])
    size = pd.Categorical.from_codes([i % 2 for i in range(len(towns))], ["small", "large"])
    towns.assign(size=size).to_stata(to / "towns.dta", write_index=False, version=118, time_stamp=pd.Timestamp("2026-01-01"))
    raw = (to / "towns.dta").read_bytes()
    end = raw.index(b"</data>")
    (to / "cut.dta").write_bytes(raw[: end - 40])
    (to / "damaged.dta").write_bytes(raw.replace(b"<varnames>", b"<varnmaes>"))
    chinese = towns.assign(town=towns.town.map({t: f"市{i}" for i, t in enumerate(sorted(set(towns.town)))}))
    text = chinese.to_csv(index=False)
    (to / "chinese.csv").write_bytes(text.encode("gb18030"))
    (to / "chinese_cut.csv").write_bytes(text.encode("gb18030")[:-9] + b"\xff,1,2\n")


def shapes():
    """Towns on a lattice of two rows, as GeoJSON and as shapefiles."""
    import geopandas as gpd
    from shapely.geometry import MultiPolygon, Point, box
    to = HERE.parent / "cases" / "data"
    names = sorted(set(pd.read_csv(to / "towns.csv").town))
    side = 0.5
    at = [(9 + side * (i % 4), 45 + side * (i // 4)) for i in range(len(names))]
    areas = [box(x, y, x + side, y + side) for x, y in at]
    layer = gpd.GeoDataFrame({"town": names, "number": range(1, len(names) + 1)}, geometry=areas, crs=4326)
    layer.to_file(to / "towns.geojson", driver="GeoJSON")
    layer.to_file(to / "towns.shp")
    layer.to_crs(32632).to_file(to / "towns_utm.shp")
    island = MultiPolygon([areas[0], box(7, 45, 7.2, 45.2)])
    more = layer.assign(geometry=[island] + areas[1:])
    lake = layer.iloc[:1].assign(town="Lake", number=99, geometry=[box(20, 50, 21, 51)])
    pd.concat([more, layer.iloc[7:8].assign(geometry=[box(11, 45, 11.1, 45.1)]), lake]).to_file(to / "towns_more.geojson", driver="GeoJSON")
    layer.iloc[:6].to_file(to / "towns_six.geojson", driver="GeoJSON")
    layer.assign(geometry=[Point(p) for p in at]).to_file(to / "towns_points.geojson", driver="GeoJSON")
    layer.assign(geometry=[box(x, y, x + 0.4, y + 0.4) for x, y in at]).to_file(to / "towns_apart.geojson", driver="GeoJSON")
    # Two layers, of which one has the attribute; a note that fills pages of its own.
    package = to / "towns.gpkg"
    package.unlink(missing_ok=True)
    noted = layer.assign(note=["long " * 1500] + [None] * (len(names) - 1))
    noted.to_file(package, layer="towns", driver="GPKG", SPATIAL_INDEX="NO")
    stations = gpd.GeoDataFrame({"station": names}, geometry=[Point(p) for p in at], crs=4326)
    stations.to_file(package, layer="stations", driver="GPKG", SPATIAL_INDEX="NO")
    package = to / "towns_utm.gpkg"
    package.unlink(missing_ok=True)
    noted.to_crs(32632).to_file(package, layer="towns", driver="GPKG", SPATIAL_INDEX="NO")
    layer.to_file(to / "towns_short.shp")
    layer.iloc[:6].to_file(to / "towns_six.shp")
    (to / "towns_short.dbf").write_bytes((to / "towns_six.dbf").read_bytes())
    for ending in ("shp", "shx", "dbf", "prj", "cpg"):
        (to / f"towns_six.{ending}").unlink(missing_ok=True)
    for stem in ("towns", "towns_utm", "towns_short"):
        for ending in ("shx", "cpg"):
            (to / f"{stem}.{ending}").unlink(missing_ok=True)


castle()
mixed()
cases()
shapes()
