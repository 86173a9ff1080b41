"""Reads the device catalogue: the few data-sheet values that the fits need (stdlib only)."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CATALOGUE = os.path.join(ROOT, 'scenarios', 'catalogue', 'devices')
UNITS = {'TFLOP/s': 1e12, 'GB/s': 1e9, 'us': 1e-6, 'MiB': 2.0**20, 'GiB': 2.0**30, 'MHz': 1e6}


def quantity(text):
    number, _, unit = text.partition(' ')
    return float(number) * UNITS.get(unit.strip(), 1.0)


def load(name):
    """name -> dict; `peak` maps precision to FLOP/s."""
    device = {'name': name, 'peak': {}}
    with open(os.path.join(CATALOGUE, name + '.yaml')) as file:
        for line in file:
            match = re.match(r'^(\s*)(\w+): *([^#\n]*)', line)
            if not match or not match.group(3).strip():
                continue
            indent, key, value = match.group(1), match.group(2), match.group(3).strip()
            (device['peak'] if indent else device)[key] = value
    device['peak'] = {key: quantity(value) for key, value in device['peak'].items()}
    for key in ('memory_bandwidth', 'sm_count', 'boost_clock', 'l2'):
        device[key] = quantity(device[key])
    return device


def names():
    return sorted(file[:-5] for file in os.listdir(CATALOGUE) if file.endswith('.yaml'))
