"""The matrices of benches/weights.rs by libpysal: reads the folder it wrote, prints rows of the same table."""

import resource
import sys
import time

import libpysal
import numpy
import shapely
from libpysal.cg import KDTree
from libpysal.weights import KNN, DistanceBand, Queen, Rook

folder, corners = sys.argv[1], int(sys.argv[2])
RADIUS = 6371.0088


def timed(name, build):
    clock = time.perf_counter()
    links = build()
    seconds = time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | libpysal {libpysal.__version__} | {links} | {seconds:.2f} | - | {peak:.0f} |", flush=True)


points = numpy.loadtxt(f"{folder}/points.txt")
# The tree on great circles, with the radius of the earth that durbin takes.
tree = KDTree(points, distance_metric="Arc", radius=RADIUS)
timed("band(0, 20 km)", lambda: DistanceBand(tree, threshold=20.0, binary=True, silence_warnings=True).nonzero)
timed("knn(10)", lambda: KNN(tree, k=10, silence_warnings=True).nonzero)

flat = numpy.loadtxt(f"{folder}/polygons.txt").reshape(-1, corners, 2)
polygons = [shapely.Polygon(p) for p in flat]
timed("contiguity(queen)", lambda: Queen.from_iterable(polygons).nonzero)
timed("contiguity(rook)", lambda: Rook.from_iterable(polygons).nonzero)
