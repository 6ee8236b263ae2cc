#!/usr/bin/env python3
"""Simulate panel.csv for the cities of cities.csv. Every outcome it writes is invented; README.md says what was built in.

    python3 simulate.py

Standard library only; the same file on every machine, because values are rounded after six decimals.
"""
import csv
import math
import random
from pathlib import Path

HERE = Path(__file__).resolve().parent
YEARS = range(2006, 2023)
SEED = 2022
EARTH_KM = 6371.0088
RHO = 0.2

# By years since joining, the last value holding on: what joining does to the city itself, and what exposure to a joined
# neighborhood (all of it) does.
DIRECT_SPEC = [-0.05, -0.05, -0.04, 0.10, 0.16, 0.22, 0.24]
SPILL_SPEC = [0.30, 0.34, 0.28, 0.10, 0.04, 0.00]
DIRECT_DIV = [0.05, 0.07, 0.08, 0.09, 0.10]
SPILL_DIV = [0.00, 0.00, 0.00, 0.12, 0.20, 0.34]
CLASSES = {"spec_tech": 1.5, "spec_capital": 1.0, "spec_labor": 0.3}


class Noise:
    """Normal draws made from the generator's uniform ones alone, whose sequence Python guarantees."""

    def __init__(self, seed):
        self.uniform = random.Random(seed).random

    def __call__(self, sd):
        u = 1.0 - self.uniform()
        return sd * math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * self.uniform())


def great_circle_km(a, b):
    """Haversine distance of two (longitude, latitude) pairs in degrees."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*a, *b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(h))


def band(places, lo, hi):
    """Row-standardized neighbors with lo < d <= hi; a city without any keeps an empty row."""
    rows = []
    for i, a in enumerate(places):
        near = [k for k, b in enumerate(places) if k != i and lo < great_circle_km(a, b) <= hi]
        rows.append([(k, 1.0 / len(near)) for k in near])
    return rows


def lag(weights, x):
    return [sum(w * x[k] for k, w in row) for row in weights]


def spread(weights, x):
    """(I - RHO W)^-1 x by its series."""
    total, term = list(x), list(x)
    for _ in range(60):
        term = [RHO * v for v in lag(weights, term)]
        total = [a + b for a, b in zip(total, term)]
    return total


def since(path, start, year):
    """The value of a path at this year's time since joining; 0 before, and for those who never join."""
    if start is None or year < start:
        return 0.0
    return path[min(year - start, len(path) - 1)]


def outcome(cities, year, direct, spill, weights, base):
    """One year's outcome: own effect, exposure within 100 km (a third) and in the ring, all carried on in space."""
    near, ring = weights
    own = [since(direct, c["start"], year) for c in cities]
    given = [since(spill, c["start"], year) for c in cities]
    exposure = [r + 0.33 * n for n, r in zip(lag(near, given), lag(ring, given))]
    return spread(ring, [b + o + e for b, o, e in zip(base, own, exposure)])


def main():
    with open(HERE / "cities.csv", encoding="utf-8", newline="") as f:
        cities = list(csv.DictReader(f))
    for c in cities:
        c["start"] = int(c["stic_year"]) if c["stic_year"] else None
    places = [(float(c["lon"]), float(c["lat"])) for c in cities]
    weights = band(places, 0, 100), band(places, 100, 250)
    noise = Noise(SEED)
    for c in cities:
        c["level"] = {"spec": noise(0.25), "div": noise(0.2), "gdp": 10.3 + noise(0.5), "pop": 6.0 + noise(0.5)}
        c["slope"] = 0.07 + noise(0.008)
    rows = {}
    for year in YEARS:
        t = year - YEARS[0]
        gdp = [c["level"]["gdp"] + c["slope"] * t + noise(0.04) for c in cities]
        pop = [c["level"]["pop"] + 0.008 * t + noise(0.01) for c in cities]
        common = {"spec": 0.006 * t + noise(0.02), "div": -0.003 * t + noise(0.02)}
        columns = {"lngdp": gdp, "lnpop": pop}
        spec = [0.6 + c["level"]["spec"] + common["spec"] + 0.05 * (g - 10.3) for c, g in zip(cities, gdp)]
        div = [0.4 + c["level"]["div"] + common["div"] + 0.03 * (g - 10.3) for c, g in zip(cities, gdp)]
        columns["spec"] = outcome(cities, year, DIRECT_SPEC, SPILL_SPEC, weights, [b + noise(0.05) for b in spec])
        columns["div"] = outcome(cities, year, DIRECT_DIV, SPILL_DIV, weights, [b + noise(0.05) for b in div])
        for name, share in CLASSES.items():
            own = [share * v for v in DIRECT_SPEC]
            spill = [share * v for v in SPILL_SPEC]
            columns[name] = outcome(cities, year, own, spill, weights, [b + noise(0.06) for b in spec])
        rows[year] = columns
    names = ["spec", "div", "lngdp", "lnpop", *CLASSES]
    with open(HERE / "panel.csv", "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["city", "year", *names])
        for i, c in enumerate(cities):
            for year in YEARS:
                out.writerow([c["city"], year, *(f"{rows[year][n][i]:.6f}" for n in names)])


if __name__ == "__main__":
    main()
