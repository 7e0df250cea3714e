// LiteRT.js: models loaded, asked and freed. Its tensors live in wasm's memory, which no garbage collector sees.

import {loadAndCompile, loadLiteRt, Tensor} from '@litertjs/core';

import {encodeRow, goldenRow, readModel, Trouble} from './bundle.js';

const WARM_UP = 20;
const RUNS = 200;

/** Loads the runtime once, from the package's own files. */
export async function startRuntime() {
  // LiteRT tells what it does on stderr, which Emscripten would show as errors.
  globalThis.Module = {printErr: (line) => (/^(ERROR|FATAL)/.test(line) ? console.error(line) : console.debug(line))};
  await loadLiteRt(new URL('node_modules/@litertjs/core/wasm/', document.baseURI).href);
}

/** One file of a bundle, ready to answer. */
export class Model {
  static async open(bundle, variant, form) {
    const compiled = await loadAndCompile(await readModel(bundle, variant, form), {accelerator: 'wasm'});
    return new Model(bundle, variant, form, compiled);
  }

  constructor(bundle, variant, form, compiled) {
    Object.assign(this, {bundle, variant, form, compiled});
    this.shapes = new Map(compiled.getInputDetails().map((input) => [input.name, Array.from(input.shape)]));
    const batch = Math.max(...[...this.shapes.values()].map((shape) => shape[0]));
    if (batch !== 1) {
      compiled.delete();
      throw new Trouble(`${variant.files[form]} takes ${batch} rows at once; this page asks for one.`);
    }
  }

  /** The scores of a row: one probability, one a class, or a value. */
  predict(row) {
    return this.run(encodeRow(this.bundle, this.form, row));
  }

  async run(encoded) {
    const inputs = {};
    let outputs = {};
    try {
      for (const [name, shape] of this.shapes) {
        inputs[name] = new Tensor(encoded[name], shape);
      }
      outputs = await this.compiled.run(inputs);
      return Array.from(outputs.score.toTypedArray());
    } finally {
      for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) {
        tensor.delete();
      }
    }
  }

  /** Median milliseconds a row, tensors made and freed included. */
  async latency(row) {
    const encoded = encodeRow(this.bundle, this.form, row);
    const times = [];
    for (let run = -WARM_UP; run < RUNS; run++) {
      const start = performance.now();
      await this.run(encoded);
      if (run >= 0) {
        times.push(performance.now() - start);
      }
    }
    // A browser's clock may tick as rarely as every 0.1 ms: the mean of the middle half sees finer than one reading.
    const middle = times.sort((left, right) => left - right).slice(RUNS / 4, (3 * RUNS) / 4);
    return middle.reduce((sum, time) => sum + time, 0) / middle.length;
  }

  /** How the answers to the golden rows compare with those at the release. */
  async checkGolden() {
    const expected = this.bundle.golden.expected[this.variant.name];
    const allowed = this.variant.tolerance;
    let agreeing = 0;
    let largest = 0;
    for (const [index, scores] of expected.entries()) {
      const found = await this.run(goldenRow(this.bundle, this.form, index));
      const difference = Math.max(...scores.map((score, place) => Math.abs(Math.fround(score) - found[place])));
      agreeing += difference <= allowed ? 1 : 0;
      largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
    }
    return {rows: expected.length, agreeing, largest, allowed};
  }

  delete() {
    this.compiled.delete();
  }
}
