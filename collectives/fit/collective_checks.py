#!/usr/bin/env python3
"""What torch's debug checks (TORCH_DISTRIBUTED_DEBUG=DETAIL) cost before a collective.

collective_checks.csv holds medians of the bandwidth tests that the jobs of the Ultra-Scale Playbook's
benchmark ran over all their ranks before training (AWS p5, 1 GiB buffers assumed; columns AllReduce,
AllGather and ReduceScatter (GB/s) of its table), apart for jobs with and without the checks. Hosts
check one collective while GPUs run the one before, so a test takes the longer of the two. Where the
checks are clearly the longer one, it tells the host's time for each other member.
Prints the implied times and their median, `peer_launch` of the nanotron profile.
"""
import csv
import os
import statistics

HERE = os.path.dirname(os.path.abspath(__file__))
BUFFER = 2.0 ** 30
PASSES = {"all_reduce": 2, "all_gather": 1, "reduce_scatter": 1}
CLEARLY = 1.7  # times as long with the checks as without


def seconds(row):
    ranks = int(row["ranks"])
    return PASSES[row["operation"]] * (ranks - 1) / ranks * BUFFER / (float(row["bus_gb_s"]) * 1e9)


def main():
    with open(os.path.join(HERE, "collective_checks.csv")) as file:
        rows = list(csv.DictReader(file))
    time = {(r["operation"], int(r["ranks"]), r["checks"]): seconds(r) for r in rows}
    implied = []
    for operation, ranks, checks in time:
        checked, free = time[operation, ranks, "yes"], time[operation, ranks, "no"]
        if checks == "no" or checked < CLEARLY * free:
            continue
        implied.append(checked / (ranks - 1))
        print(f"{operation:15} {ranks:4} ranks  {free * 1e3:7.2f} -> {checked * 1e3:7.2f} ms"
              f"  {implied[-1] * 1e6:6.1f} us a member")
    print(f"median {statistics.median(implied) * 1e6:.0f} us")


if __name__ == "__main__":
    main()
