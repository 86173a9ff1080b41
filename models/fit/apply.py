#!/usr/bin/env python3
"""Writes the fitted keys of devices.csv into scenarios/catalogue/devices/*.yaml.

TF32 takes the 16-bit value; fp32 keeps 0.85 (no measurement). Run after editing devices.csv.
"""
import csv
import os
import re

import devices

HERE = os.path.dirname(os.path.abspath(__file__))
FITTED = re.compile(r'^(gemm_efficiency|memory_efficiency|attention_efficiency|kernel_gap|'
                    r'sustained_clock):|'
                    r'^# Fitted |^# basis: ')


def lines_for(row, precisions):
    values = {'fp32': '0.85', 'tf32': row['gemm_16bit'], 'fp16': row['gemm_16bit'],
              'bf16': row['gemm_16bit'], 'fp8': row['gemm_fp8'] or row['gemm_16bit'],
              'fp4': row['gemm_fp4'] or row['gemm_16bit']}
    rates = ', '.join('%s: %s' % (name, values[name]) for name in precisions)
    clock = []  # devices whose power limit acts only on long runs
    if row['sustained_clock']:
        clock = ['sustained_clock: %s   # docs/models.md, Power' % row['sustained_clock']]
    return ['# Fitted on kernel measurements, see docs/models.md; from models/fit/devices.csv.',
            '# basis: ' + row['basis'],
            'gemm_efficiency: {%s}' % rates,
            'memory_efficiency: ' + row['memory_efficiency'],
            'attention_efficiency: ' + row['attention_efficiency'],
            'kernel_gap: %s us' % row['kernel_gap_us']] + clock


def main():
    with open(os.path.join(HERE, 'devices.csv')) as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        path = os.path.join(devices.CATALOGUE, row['device'] + '.yaml')
        with open(path) as file:
            text = file.read().splitlines()
        head = text[:next(i for i, line in enumerate(text) if line.startswith('# Fitted '))]
        rest = [line for line in text[len(head):]
                if not FITTED.match(line) and line and not line.startswith('#')]
        precisions = [name for name in ('fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'fp4')
                      if name in devices.load(row['device'])['peak']]
        with open(path, 'w') as file:
            file.write('\n'.join(head + rest + lines_for(row, precisions)) + '\n')


if __name__ == '__main__':
    main()
