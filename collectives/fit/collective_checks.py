#!/usr/bin/env python3
"""What torch's debug checks (TORCH_DISTRIBUTED_DEBUG=DETAIL) cost before a collective.

collective_checks.csv holds medians of the bandwidth tests that the jobs of the Ultra-Scale Playbook's
benchmark ran over all their ranks before training (AWS p5, 1 GiB buffers assumed; columns AllReduce,
AllGather and ReduceScatter (GB/s) of its table), apart for jobs with and without the checks. Hosts
check one collective while GPUs run the one before, so a test takes the longer of the two. Where the
checks are clearly the longer one, it tells the host's time over nodes; of groups of up to 128, since
those that are checked for every layer are no larger. Inside a node GPUs hide the checks in those
tests: host_checks.csv is what measure_checks.py gave on a host of 16 cores (PyTorch 2.11). Its rows of
16 ranks do not count: gloo has threads beside the ranks.

Prints the times and the lines through them (least squares of relative errors), whose slopes are
`inter_node_peer_launch` and `peer_launch` of the nanotron profile. What does not grow with the group
is the test's own, or that of any collective.
"""
import csv
import os

HERE = os.path.dirname(os.path.abspath(__file__))
BUFFER = 2.0 ** 30
PASSES = {"all_reduce": 2, "all_gather": 1, "reduce_scatter": 1}
CLEARLY = 1.7  # times as long with the checks as without
GROUP = 128
HOST_RANKS = 8


def read(name):
    with open(os.path.join(HERE, name)) as file:
        return list(csv.DictReader(file))


def line(points):
    """Offset and slope of the line with the least squares of relative errors."""
    one = sum(1 / y ** 2 for _, y in points)
    x1 = sum(x / y ** 2 for x, y in points)
    x2 = sum((x / y) ** 2 for x, y in points)
    y0 = sum(1 / y for _, y in points)
    y1 = sum(x / y for x, y in points)
    determinant = one * x2 - x1 * x1
    return (y0 * x2 - y1 * x1) / determinant, (one * y1 - x1 * y0) / determinant


def report(name, points):
    offset, slope = line(points)
    print(f"{name}: {offset:.0f} us + {slope:.0f} us a member")


def microseconds(row):
    ranks = int(row["ranks"])
    return 1e6 * PASSES[row["operation"]] * (ranks - 1) / ranks * BUFFER / (float(row["bus_gb_s"]) * 1e9)


def over_nodes():
    time = {(r["operation"], int(r["ranks"]), r["checks"]): microseconds(r) for r in read("collective_checks.csv")}
    points = []
    for operation, ranks, checks in time:
        checked, free = time[operation, ranks, "yes"], time[operation, ranks, "no"]
        if checks == "no" or checked < CLEARLY * free or ranks > GROUP:
            continue
        points.append((ranks, checked))
        print(f"{operation:15} {ranks:4} ranks  {free:7.0f} -> {checked:7.0f} us")
    report("over nodes", points)


def inside_node():
    points = []
    for row in read("host_checks.csv"):
        ranks, plain, checked = int(row["ranks"]), float(row["plain_us"]), float(row["checked_us"])
        if row["what"] == "send_receive" or ranks > HOST_RANKS:
            continue
        points.append((ranks, checked - plain))
        print(f"{row['what']:15} {ranks:4} ranks  {plain:7.0f} -> {checked:7.0f} us")
    report("inside a node", points)


if __name__ == "__main__":
    over_nodes()
    inside_node()
