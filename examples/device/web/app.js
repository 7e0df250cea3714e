// The page: a bundle, a form made from it, and predictions as the form changes.

import {picture, sentence, words} from './answer.js';
import {FORMS, readBundle, Trouble} from './bundle.js';
import {makeInputs} from './inputs.js';
import {Model, startRuntime} from './model.js';

const element = (id) => document.getElementById(id);

/** Calls of the runtime, one after the other: none may free what another is using. */
let turn = Promise.resolve();

function inTurn(task) {
  turn = turn.then(task).catch(complain);
  return turn;
}

function complain(error) {
  element('problem').textContent = error instanceof Trouble ? error.message : `Something failed: ${error.message ?? error}`;
  element('problem').hidden = false;
  if (!(error instanceof Trouble)) {
    console.error(error);
  }
}

/** The model that answers, and the row it is asked; both change as a person chooses. */
const state = {bundle: null, model: null, inputs: null, waiting: false};

async function start() {
  state.bundle = await readBundle(new URL('bundle/', document.baseURI).href);
  tell(state.bundle.manifest);
  await startRuntime();
  state.inputs = makeInputs(element('inputs'), state.bundle, predictSoon);
  offerVariants(state.bundle.manifest);
  offerRows(state.bundle);
  await open();
  element('main').hidden = false;
  element('start').dispatchEvent(new Event('change'));
  stayInSight();
  await inTurn(measure);
  document.body.dataset.ready = 'true';
}

function tell(manifest) {
  document.title = manifest.title;
  element('title').textContent = manifest.title;
  const made = new Date(manifest.created).toLocaleString('en', {dateStyle: 'medium', timeStyle: 'short'});
  element('source').textContent =
    `Version ${manifest.version} of ${made}, trained on ${manifest.data_window}. The model runs in this page, ` +
    'by LiteRT.js: nothing that you enter leaves it.';
}

function offerVariants(manifest) {
  const smallest = manifest.variants.reduce((best, found) => (found.bytes < best.bytes ? found : best));
  for (const variant of manifest.variants) {
    const chosen = variant === smallest;
    element('variant').add(new Option(`${words(variant.name)}, ${size(variant.bytes)}`, variant.name, chosen, chosen));
  }
  for (const form of FORMS) {
    element('form').add(new Option({packed: 'packed strings', ids: 'integer ids'}[form], form));
  }
  for (const id of ['variant', 'form']) {
    element(id).addEventListener('change', () => {
      open();
      predictSoon();
      inTurn(measure);
    });
  }
  element('check').addEventListener('click', checkAll);
}

function offerRows(bundle) {
  const start = element('start');
  start.add(new Option('typical values', '-1'));
  bundle.golden.rows.forEach((_, index) => start.add(new Option(`golden row ${index + 1}`, String(index))));
  start.addEventListener('change', () => {
    const typical = Object.fromEntries([...bundle.features].map(([name, feature]) => [name, feature.typical]));
    state.inputs.show(start.value === '-1' ? typical : bundle.golden.rows[Number(start.value)]);
  });
}

/** On a narrow screen the prediction's sentence stays below the form while its card is out of sight. */
function stayInSight() {
  const watch = new IntersectionObserver(([entry]) => {
    element('strip').hidden = entry.isIntersecting;
  });
  watch.observe(element('sentence'));
}

function chosen() {
  const {variants} = state.bundle.manifest;
  return [variants.find((variant) => variant.name === element('variant').value), element('form').value];
}

/** Loads the chosen file in the place of the one before. */
function open() {
  const [variant, form] = chosen();
  return inTurn(async () => {
    const model = await Model.open(state.bundle, variant, form);
    state.model?.delete();
    state.model = model;
    const {manifest} = state.bundle;
    element('bytes').textContent = size(fileBytes(variant, form));
    element('metric-name').textContent = words(manifest.metric);
    element('metric').textContent = variant.value === null ? 'undefined' : variant.value.toFixed(4);
    element('expectation').textContent = variant.expectation;
    element('latency').textContent = '…';
  });
}

function fileBytes(variant, form) {
  return variant.form_bytes?.[form] ?? variant.bytes;
}

/** Predicts once for as many changes as come before the runtime is free. */
function predictSoon() {
  if (state.waiting) {
    return;
  }
  state.waiting = true;
  inTurn(async () => {
    state.waiting = false;
    const {manifest} = state.bundle;
    const scores = await state.model.predict(state.inputs.row);
    element('picture').replaceChildren(picture(manifest, scores));
    for (const id of ['sentence', 'strip']) {
      element(id).textContent = sentence(manifest, scores);
    }
    element('answer').dataset.scores = JSON.stringify(scores);
  });
}

async function measure() {
  element('latency').textContent = duration(await state.model.latency(state.inputs.row));
}

function checkAll() {
  element('checks').replaceChildren();
  element('check').disabled = true;
  for (const variant of state.bundle.manifest.variants) {
    for (const form of FORMS) {
      inTurn(() => checkOne(variant, form));
    }
  }
  inTurn(() => {
    element('check').disabled = false;
    element('checks').dataset.done = 'true';
  });
}

async function checkOne(variant, form) {
  const model = await Model.open(state.bundle, variant, form);
  try {
    const found = await model.checkGolden();
    const took = await model.latency(state.bundle.golden.rows[0]);
    element('checks').append(checkLine(variant, form, found, took));
  } finally {
    model.delete();
  }
}

function checkLine(variant, form, found, took) {
  const line = document.createElement('tr');
  const agrees = found.agreeing === found.rows;
  line.className = agrees ? 'agrees' : 'differs';
  Object.assign(line.dataset, {variant: variant.name, form, agreeing: found.agreeing, largest: found.largest});
  const cells = [
    [words(variant.name), 'name'],
    [form, ''],
    [`${agrees ? '✓' : '✗'} ${found.agreeing} of ${found.rows}`, 'number verdict'],
    [difference(found.largest), 'number'],
    [difference(found.allowed), 'number'],
    [duration(took), 'number'],
  ];
  for (const [content, name] of cells) {
    const cell = document.createElement('td');
    cell.textContent = content;
    cell.className = name;
    line.append(cell);
  }
  return line;
}

function difference(found) {
  return found === 0 ? '0' : found.toExponential(1);
}

function duration(milliseconds) {
  return milliseconds < 1 ? `${(1000 * milliseconds).toFixed(0)} µs` : `${milliseconds.toFixed(1)} ms`;
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

start().catch((error) => {
  element('title').textContent = 'No prediction';
  complain(error);
});
