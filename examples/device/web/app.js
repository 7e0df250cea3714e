// The page: a bundle, a form made from it, and predictions as the form changes.

import {picture, sentence, words} from './answer.js';
import {FORMS, readBundle, Trouble} from './bundle.js';
import {makeInputs} from './inputs.js';
import {Model, startRuntime} from './model.js';

const element = (id) => document.getElementById(id);

/** Calls of the runtime, one after the other: none may free what another is using. */
let turn = Promise.resolve();

/** Runs the task in its turn. Why it failed is told until a task of the same subject does not. */
function inTurn(subject, task) {
  turn = turn.then(task).then(() => forgive(subject)).catch((error) => complain(subject, error));
  return turn;
}

/** What is wrong now, a message a subject. */
const problems = new Map();

function complain(subject, error) {
  problems.set(subject, error instanceof Trouble ? error.message : `Something failed: ${error.message ?? error}`);
  tellProblems();
  if (!(error instanceof Trouble)) {
    console.error(error);
  }
}

function forgive(subject) {
  // A text that is laid again would be read out again.
  if (problems.delete(subject)) {
    tellProblems();
  }
}

function tellProblems() {
  element('problem').textContent = [...new Set(problems.values())].join('\n');
  element('problem').hidden = problems.size === 0;
}

/**
 * What a person chooses: the model that answers, null where it did not open, and the row it is asked. `opened` is the
 * variant and form that `model` is of, or would be.
 */
const state = {bundle: null, model: null, opened: [], inputs: null, waiting: false};

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
  await inTurn('latency', measure);
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
      // Not predictSoon: a prediction that waits already has its turn before the opening.
      inTurn('answer', predict);
      inTurn('latency', measure);
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

/** Loads the chosen file in the place of the one before, which answers no more, whether the chosen one opens or not. */
function open() {
  const [variant, form] = chosen();
  markAnswer();
  return inTurn('model', async () => {
    const former = state.model;
    Object.assign(state, {model: null, opened: [variant, form]});
    former?.delete();
    const {manifest} = state.bundle;
    element('bytes').textContent = size(fileBytes(variant, form));
    element('metric-name').textContent = words(manifest.metric);
    element('metric').textContent = variant.value === null ? 'undefined' : metric(variant.value);
    element('expectation').textContent = variant.expectation;
    element('latency').textContent = '…';
    state.model = await Model.open(state.bundle, variant, form);
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
  inTurn('answer', () => {
    state.waiting = false;
    return predict();
  });
}

/** Shows the model's answer to the row, or none where there is none: not that of another model or row. */
async function predict() {
  let scores = null;
  try {
    scores = state.model && (await state.model.predict(state.inputs.row));
  } finally {
    show(scores);
  }
}

function show(scores) {
  const {manifest} = state.bundle;
  element('picture').replaceChildren(...(scores ? [picture(manifest, scores)] : []));
  for (const id of ['sentence', 'strip']) {
    element(id).textContent = scores ? sentence(manifest, scores) : 'No prediction';
  }
  element('answer').dataset.scores = JSON.stringify(scores);
  markAnswer();
}

/** Dims an answer that is not the chosen file's while that one waits for its turn or is being loaded. */
function markAnswer() {
  const waits = chosen().some((one, place) => one !== state.opened[place]);
  for (const id of ['answer', 'strip']) {
    element(id).setAttribute('aria-busy', String(waits));
  }
}

/** Times a golden row: that of the form may be one that no model takes. */
async function measure() {
  let took = null;
  try {
    took = state.model && (await state.model.latency(state.bundle.golden.rows[0]));
  } finally {
    element('latency').textContent = took === null ? 'not known' : duration(took);
  }
}

function checkAll() {
  element('checks').replaceChildren();
  element('check').disabled = true;
  for (const variant of state.bundle.manifest.variants) {
    for (const form of FORMS) {
      inTurn(`check of ${variant.files[form]}`, () => checkOne(variant, form));
    }
  }
  inTurn('checks', () => {
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

/** A metric in four places, or in four digits where those would show it as 0. */
function metric(value) {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(3) : value.toFixed(4);
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

start().catch((error) => {
  element('title').textContent = 'No prediction';
  complain('start', error);
});
