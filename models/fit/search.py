"""Coordinate search: minimises a function of a few bounded parameters without derivatives; and the
rule that says which shapes take no part in a fit."""
import zlib


def held_out(shape):
    """A quarter of all shapes, by the checksum of their numbers."""
    return zlib.crc32(' '.join(map(str, shape)).encode()) % 4 == 0


def coordinate_search(loss, start, steps, bounds, rounds=14):
    point, best, steps = list(start), loss(start), list(steps)
    for _ in range(rounds):
        for i in range(len(point)):
            moved = False
            for sign in (1, -1):
                trial = list(point)
                trial[i] = min(max(trial[i] + sign * steps[i], bounds[i][0]), bounds[i][1])
                value = loss(trial)
                if value < best:
                    point, best, moved = trial, value, True
                    break
            if not moved:
                steps[i] *= 0.6
    return point, best


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else float('nan')
