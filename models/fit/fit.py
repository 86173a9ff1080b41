#!/usr/bin/env python3
"""Fits the cost model's constants to the kernel measurements beside this file.

Prints the constants that models/gemm.cpp and models/attention_cost.cpp hold and the errors on the
held-out rows, and writes held_out.csv, which a test predicts. The sustained rates it prints are
what devices.csv takes over by hand, with their basis; apply.py brings them into the catalogue.
Run: python3 models/fit/fit.py        Sources of the measurements: models/fit/SOURCES.md
"""
import csv
import os

import attention_model
import devices
import gemm_model
from search import held_out, mean

HERE = os.path.dirname(os.path.abspath(__file__))


def fit_gemm(facts):
    rows = gemm_model.load(facts)
    results = {}
    for architecture in ('ampere', 'hopper', 'blackwell'):
        # DeepGEMM is another library; grouped rows follow another path (below). Some of SimuMax's
        # B200 products under 100 us ran before the power limit acts, some after.
        chosen = [r for r in rows if r['facts']['architecture'] == architecture and
                  r['kind'] == 'typical' and r['groups'] == 1 and r['source'] != 'deepgemm' and
                  (r['device'] != 'b200' or r['seconds'] >= 100e-6)]
        best = max(float(r['tflops']) * 1e12 / r['facts']['peak'][r['precision']] for r in rows
                   if r['facts']['architecture'] == architecture and r['kind'] == 'best')
        result = results[architecture] = gemm_model.fit(chosen, best)
        values = ', '.join('%.3g' % value for value in result['params'])
        print('gemm %-9s train %3d rows %.1f %%, held out %3d rows %.1f %%: {%s}' % (
            architecture, result['counts'][0], 100 * result['train'], result['counts'][1],
            100 * result['held'], values))
        for key, rate in sorted(result['rates'].items()):
            print('     sustained %-16s %-10s %.3f' % (*key, rate))
    return rows, results


def report_others(rows, results):
    """Errors on rows that took no part: short Blackwell kernels, at 0.65 of peak; grouped ones."""
    short = [r for r in rows if r['device'] == 'b200' and r['groups'] == 1 and
             r['seconds'] < 100e-6 and r['kind'] == 'typical']
    wrong = [gemm_model.predict(r, results['blackwell']['params'], 0.65) / r['seconds'] - 1
             for r in short]
    print('b200 under 100 us: %d rows, mean |error| %.1f %%' % (
        len(short), 100 * mean(map(abs, wrong))))
    for device in ('a100-80gb-pcie', 'b200'):
        some = [r for r in rows if r['device'] == device and r['groups'] > 1]
        rate = results[some[0]['facts']['architecture']]['rates'][(device, 'bf16')]
        for row in some:  # one cuBLASLt call an expert from one host thread
            params = results[row['facts']['architecture']]['params']
            row['predicted'] = max(gemm_model.predict(row, params, rate), row['groups'] * 8.7e-6)
        print('%s grouped: %d rows, mean |error| %.1f %%' % (
            device, len(some),
            100 * mean(abs(r['predicted'] / r['seconds'] - 1) for r in some)))


def fit_attention(facts):
    rows = attention_model.load(facts)
    pick = lambda device, kernels: [r for r in rows if r['device'].startswith(device) and
                                    r['kernel'] in kernels]
    results = {}
    results['fa2'] = attention_model.fit(pick('a100', ('fa2', 'te')), 128)
    tail = {i: results['fa2']['params'][i] for i in (5, 6)}  # charts always fill the device
    results['fa1'] = attention_model.fit(pick('a100', ('fa1',)) + pick('h100', ('fa1',)), 128, tail)
    # Charts of the library and SDPA's kernel, measured here, are two efficiencies.
    results['fa2-hopper'] = attention_model.fit(pick(('h100', 'h200'), ('fa2',)), 128)
    results['cudnn-hopper'] = attention_model.fit(pick(('h100', 'h200'), ('cudnn',)), 128)
    results['fa3'] = attention_model.fit(pick('h100-80gb', ('fa3',)), 128,
                                         {i: results['cudnn-hopper']['params'][i]
                                          for i in (4, 5, 6, 7)})
    results['cudnn'] = attention_model.fit(pick('b200', ('te',)), 256)
    for name, result in results.items():
        print('attention %-10s train %2d rows %.1f %%, held out %2d rows %.1f %%: {%s} %s' % (
            name, result['counts'][0], 100 * result['train'], result['counts'][1],
            100 * result['held'], ', '.join('%.3g' % v for v in result['params']),
            {k: round(v, 3) for k, v in result['efficiency'].items()}))
    return results


def best_shapes(rows, results):
    """Typical sustained rate against the best shape anyone found, per architecture."""
    factors = {}
    for row in (r for r in rows if r['kind'] == 'best'):
        rates = results.get(row['facts']['architecture'], {}).get('rates', {})
        for precision in (row['precision'], 'fp16' if row['precision'] == 'bf16' else ''):
            if (row['device'], precision) in rates:
                best = float(row['tflops']) * 1e12 / row['facts']['peak'][row['precision']]
                factors[(row['device'], row['precision'])] = (
                    rates[(row['device'], precision)] / best, best)
    return factors


def main():
    facts = {name: devices.load(name) for name in devices.names()}
    rows, results = fit_gemm(facts)
    report_others(rows, results)
    fit_attention(facts)
    for key, (factor, best) in sorted(best_shapes(rows, results).items()):
        print('typical / best shape %-16s %-5s %.3f of %.3f' % (*key, factor, best))
    facts_of = lambda r: [r['device'], r['precision'], r['m'], r['n'], r['k'],
                          r['fp32_accumulate'], r['tflops']]
    with open(os.path.join(HERE, 'held_out.csv'), 'w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['device', 'precision', 'm', 'n', 'k', 'fp32_accumulate', 'tflops'])
        for result in results.values():
            writer.writerows(facts_of(r) for r in result['held_rows'])


if __name__ == '__main__':
    main()
