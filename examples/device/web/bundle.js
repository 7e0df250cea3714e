// A released device bundle: what its files say, and how a row becomes what a model takes.

/** Something is wrong that a person can mend; its message says what. */
export class Trouble extends Error {}

/** Forms that a browser can run; the raw form takes strings, which LiteRT.js does not. */
export const FORMS = ['packed', 'ids'];

/** Reads the bundle at an address that ends in a slash. */
export async function readBundle(address) {
  const manifest = await readJson(`${address}manifest.json`);
  // A release that accepted no variant has neither of the other two files.
  if (!manifest.variants.length) {
    throw new Trouble('The bundle has no variant: none was accepted for this release.');
  }
  const names = ['vocab.json', 'golden.json'];
  const [vocabulary, golden] = await Promise.all(names.map((name) => readJson(address + name)));
  const features = new Map(manifest.features.map((feature) => [feature.name, feature]));
  return {address, manifest, vocabulary, golden, features};
}

async function readJson(address) {
  const response = await fetch(address);
  if (!response.ok) {
    throw new Trouble(`No device bundle here: ${address} answered ${response.status}. Is a model released? make run`);
  }
  return response.json();
}

/** The variant's file in a form. */
export async function readModel(bundle, variant, form) {
  const address = bundle.address + variant.files[form];
  const response = await fetch(address);
  if (!response.ok) {
    throw new Trouble(`${address} answered ${response.status}, though the manifest names it.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * What a form takes for each feature of a row: an Int32Array or a Float32Array by the feature's name. A value of the
 * wrong kind is refused: typed arrays would make another of it, of 2 ** 32 + 5 a 5.
 */
export function encodeRow(bundle, form, row) {
  const encoded = {};
  for (const [name, feature] of bundle.features) {
    encoded[name] = encodeValue(bundle, form, feature, checked(feature, row[name] ?? null));
  }
  return encoded;
}

/** The same of a golden row, which the bundle has in the form's own terms. */
export function goldenRow(bundle, form, index) {
  const encoded = {};
  for (const [name, value] of Object.entries(bundle.golden[form][index])) {
    const array = Array.isArray(value) ? value : [value ?? NaN];
    encoded[name] = bundle.features.get(name).kind === 'number' ? new Float32Array(array) : new Int32Array(array);
  }
  return encoded;
}

const KINDS = {
  string: ['a string', (value) => typeof value === 'string'],
  integer: ['an integer of 32 bits', (value) => value === (value | 0)],
  number: ['a number', (value) => typeof value === 'number'],
};

function checked(feature, value) {
  const [expected, fits] = KINDS[feature.kind];
  if (value !== null && !fits(value)) {
    const received = typeof value === 'string' ? JSON.stringify(value) : value;
    throw new Trouble(
      `feature '${feature.name}': expected ${expected}, or null where it is missing. Received: ${received}`,
    );
  }
  return value;
}

function encodeValue(bundle, form, feature, value) {
  if (feature.kind === 'number') {
    return new Float32Array([value ?? NaN]);
  }
  if (feature.kind === 'integer') {
    return new Int32Array([value ?? feature.missing]);
  }
  const known = bundle.vocabulary[feature.name];
  return new Int32Array(form === 'ids' ? [stringId(value ?? '', known)] : words(value ?? '', known.words));
}

/** The id of a string: that of its place in the vocabulary, of a missing one, or of an unseen one. */
export function stringId(text, known) {
  if (text === '') {
    return known.missing_id;
  }
  const place = known.terms.indexOf(text);
  return place < 0 ? known.unseen_id : known.first_term_id + place;
}

/**
 * A string's UTF-8 bytes, four in a word, little endian; cut to, or filled with zeros up to, `count` words. A string
 * with a zero byte has words of -1, which no term has: filled up with zeros, others would equal it.
 */
export function words(text, count) {
  if (text.includes('\0')) {
    return Array(count).fill(-1);
  }
  const bytes = new Uint8Array(4 * count);
  bytes.set(new TextEncoder().encode(text).slice(0, bytes.length));
  const view = new DataView(bytes.buffer);
  return Array.from({length: count}, (_, word) => view.getInt32(4 * word, true));
}
