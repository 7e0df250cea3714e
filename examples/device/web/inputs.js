// A form made from a bundle's features. Its state is a row: a value for each feature, null where it is missing.

import {words} from './answer.js';

const OTHER = '\u0000other';
const MISSING = '\u0000missing';
// A domain of as many integers as this is a list to choose from.
const FEW = 31;

/** Fills the form with a field for each feature, and calls `changed` with the row whenever one changes. */
export function makeInputs(form, bundle, changed) {
  const row = {};
  const fields = [...bundle.features.values()].map((feature) => {
    const field = makeField(feature, bundle.vocabulary[feature.name], (value) => {
      row[feature.name] = value;
      changed(row);
    });
    form.append(field.element);
    return [feature.name, field];
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  return {
    row,
    show(values) {
      for (const [name, field] of fields) {
        row[name] = values[name] ?? null;
        field.show(row[name]);
      }
      changed(row);
    },
  };
}

function makeField(feature, known, changed) {
  const element = document.createElement('div');
  element.className = 'field';
  const label = document.createElement('label');
  label.htmlFor = `input-${feature.name}`;
  label.textContent = words(feature.name);
  const control = feature.kind === 'string' ? choice(feature, known.terms, changed) : numeric(feature, changed);
  element.append(label, ...control.elements);
  if (feature.description) {
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.textContent = feature.description;
    element.append(hint);
  }
  return {element, show: control.show};
}

function numeric(feature, changed) {
  const {minimum, maximum} = feature;
  const bounded = minimum !== undefined && maximum !== undefined;
  return feature.kind === 'integer' && bounded && maximum - minimum < FEW
    ? fewIntegers(feature, changed)
    : slider(feature, bounded, changed);
}

function fewIntegers(feature, changed) {
  const select = selectOf(feature);
  for (let integer = feature.minimum; integer <= feature.maximum; integer++) {
    select.add(new Option(String(integer), String(integer)));
  }
  select.add(new Option('missing', MISSING));
  const told = unit(feature);
  select.addEventListener('change', () => changed(select.value === MISSING ? null : Number(select.value)));
  return {
    elements: [row(select, told)],
    show: (value) => {
      select.value = value === null || value < feature.minimum || value > feature.maximum ? MISSING : String(value);
    },
  };
}

/** A list of the known strings, with a place for another. */
function choice(feature, terms, changed) {
  const select = selectOf(feature);
  for (const term of [...terms].sort()) {
    select.add(new Option(term, term));
  }
  select.add(new Option('other…', OTHER));
  select.add(new Option('missing', MISSING));
  const other = document.createElement('input');
  other.type = 'text';
  other.hidden = true;
  other.placeholder = 'a value the model has not seen';
  other.setAttribute('aria-label', `${words(feature.name)}, another value`);
  const tell = () => changed(select.value === MISSING ? null : select.value === OTHER ? other.value : select.value);
  select.addEventListener('change', () => {
    other.hidden = select.value !== OTHER;
    if (!other.hidden) {
      other.focus();
    }
    tell();
  });
  other.addEventListener('input', tell);
  return {
    elements: [row(select, unit(feature)), other],
    show: (value) => {
      const known = terms.includes(value);
      select.value = value === null || value === '' ? MISSING : known ? value : OTHER;
      other.hidden = select.value !== OTHER;
      other.value = other.hidden ? '' : value;
    },
  };
}

/** A number with a slider where its domain is bounded; emptied, it is missing. */
function slider(feature, bounded, changed) {
  const box = document.createElement('input');
  box.type = 'number';
  box.id = `input-${feature.name}`;
  box.step = feature.kind === 'integer' ? '1' : 'any';
  box.placeholder = 'missing';
  const range = document.createElement('input');
  range.type = 'range';
  range.setAttribute('aria-label', `${words(feature.name)}, by slider`);
  range.hidden = !bounded;
  if (bounded) {
    range.min = feature.minimum;
    range.max = feature.maximum;
    range.step = step(feature);
  }
  const value = () => (box.value === '' || Number.isNaN(box.valueAsNumber) ? null : integral(feature, box.valueAsNumber));
  box.addEventListener('input', () => {
    range.value = box.value;
    range.classList.toggle('missing', value() === null);
    changed(value());
  });
  range.addEventListener('input', () => {
    box.value = range.value;
    range.classList.remove('missing');
    changed(value());
  });
  return {
    elements: [row(box, unit(feature)), range],
    show: (shown) => {
      box.value = shown === null ? '' : digits(feature, shown);
      range.value = shown ?? (feature.minimum + feature.maximum) / 2;
      range.classList.toggle('missing', shown === null);
    },
  };
}

/** An integer as it is, another number with as many digits as a float32 tells apart. */
function digits(feature, number) {
  return String(feature.kind === 'integer' ? number : Number(number.toPrecision(7)));
}

function integral(feature, number) {
  return feature.kind === 'integer' ? Math.round(number) : number;
}

/** About three hundred steps of a round size. */
function step(feature) {
  if (feature.kind === 'integer') {
    return 1;
  }
  const width = (feature.maximum - feature.minimum) / 300;
  return width > 0 ? 10 ** Math.round(Math.log10(width)) : 'any';
}

function selectOf(feature) {
  const select = document.createElement('select');
  select.id = `input-${feature.name}`;
  return select;
}

function row(control, told) {
  const line = document.createElement('div');
  line.className = 'control';
  line.append(control, ...told);
  return line;
}

function unit(feature) {
  if (!feature.unit) {
    return [];
  }
  const element = document.createElement('span');
  element.className = 'unit';
  element.textContent = feature.unit;
  return [element];
}
