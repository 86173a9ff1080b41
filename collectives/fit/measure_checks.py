#!/usr/bin/env python3
"""Measures what torch's debug checks (TORCH_DISTRIBUTED_DEBUG=DETAIL) cost a collective inside one host.

Before each collective every rank then takes part in a barrier and in two gathers over sockets
(ProcessGroupWrapper::runCollectiveChecks). Processes of this host run small collectives on the processor,
with and without the checks; the difference is theirs. Sends and receives are not checked, which a row shows.
Needs PyTorch with gloo and a core for each process. Writes `what,ranks,plain_us,checked_us` to stdout.
"""
import os
import statistics
import subprocess
import sys
import time

ROUNDS = 300
RANKS = (2, 4, 8, 16)


def worker():
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    one = torch.ones(1)
    parts = [torch.ones(1) for _ in range(size)]

    def exchange():
        other = rank ^ 1
        work = [dist.isend(one, other), dist.irecv(parts[0], other)]
        for item in work:
            item.wait()

    cases = {
        "all_reduce": lambda: dist.all_reduce(one),
        "all_gather": lambda: dist.all_gather(parts, one),
        "send_receive": exchange,
    }
    for name, run in cases.items():
        times = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            run()
            times.append(time.perf_counter() - begin)
        if rank == 0:
            print(name, statistics.median(times[ROUNDS // 10 :]) * 1e6, flush=True)
    dist.destroy_process_group()


def measure(ranks, level):
    environment = dict(os.environ, MASTER_ADDR="127.0.0.1", WORLD_SIZE=str(ranks), TORCH_DISTRIBUTED_DEBUG=level)
    environment["MASTER_PORT"] = str(29500 + ranks + (100 if level == "DETAIL" else 0))
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "worker"],
            env=dict(environment, RANK=str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in range(ranks)
    ]
    printed = [process.communicate(timeout=120)[0] for process in started]
    return {name: float(value) for name, value in (line.split() for line in printed[0].splitlines())}


def main():
    print("what,ranks,plain_us,checked_us")
    for ranks in RANKS:
        plain, checked = measure(ranks, "OFF"), measure(ranks, "DETAIL")
        for what in plain:
            print(f"{what},{ranks},{plain[what]:.1f},{checked[what]:.1f}", flush=True)


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main()
