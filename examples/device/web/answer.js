// A prediction in words and as a picture.

const SVG = 'http://www.w3.org/2000/svg';
// The dial's half circle, in the units of its viewBox.
const [CENTER_X, CENTER_Y, RADIUS] = [120, 112, 92];

/** A share as a percentage: two digits, more where it is near 0 or 1. */
export function percent(share) {
  const near = Math.min(share, 1 - share);
  const digits = near > 0 && near < 0.01 ? (near < 0.001 ? 2 : 1) : 0;
  return `${(100 * share).toFixed(digits)} %`;
}

/** What is decided of two classes: the second's name, or the label where classes have no names. */
function positive(manifest) {
  return manifest.classes.length ? manifest.classes[1] : words(manifest.label);
}

/** A column's name as words. */
export function words(name) {
  return name.replaceAll('_', ' ');
}

/** A prediction in one sentence. */
export function sentence(manifest, scores) {
  if (manifest.task === 'regression') {
    return `${words(manifest.label)}: ${value(manifest, scores[0])}`;
  }
  if (manifest.task === 'multiclass') {
    const best = scores.indexOf(Math.max(...scores));
    return `${words(manifest.label)}: ${manifest.classes[best]}, with a probability of ${percent(scores[best])}`;
  }
  const side = isPositive(manifest, scores[0]) ? 'at or above' : 'below';
  return `${positive(manifest)}: ${percent(scores[0])}, ${side} the threshold of ${percent(manifest.threshold)}`;
}

function isPositive(manifest, score) {
  return score >= Math.fround(manifest.threshold);
}

function value(manifest, score) {
  const {offset, unit} = manifest.output;
  const shown = offset
    ? (score + offset).toLocaleString('en', {maximumFractionDigits: 0})
    : score.toLocaleString('en', {maximumSignificantDigits: 5});
  return `${shown}${unit ? ` ${unit}` : ''}`;
}

/** The picture: a dial for two classes, bars for more, a number for a value. */
export function picture(manifest, scores) {
  if (manifest.task === 'binary') {
    return dial(scores[0], manifest);
  }
  return manifest.task === 'multiclass' ? bars(manifest.classes, scores) : number(value(manifest, scores[0]));
}

function dial(share, manifest) {
  const svg = make('svg', {viewBox: '0 0 240 132', role: 'img', class: 'dial'});
  svg.setAttribute('aria-label', sentence(manifest, [share]));
  svg.append(make('path', {d: arc(0, 1), class: 'track'}));
  if (share > 0) {
    svg.append(make('path', {d: arc(0, share), class: isPositive(manifest, share) ? 'filled over' : 'filled'}));
  }
  const [x, y] = point(manifest.threshold, RADIUS - 15);
  const [endX, endY] = point(manifest.threshold, RADIUS + 15);
  svg.append(make('line', {x1: x, y1: y, x2: endX, y2: endY, class: 'threshold'}));
  svg.append(text(CENTER_X, CENTER_Y - 22, percent(share), 'share'));
  svg.append(text(CENTER_X, CENTER_Y + 2, positive(manifest), 'named'));
  return svg;
}

function point(share, radius) {
  const angle = Math.PI * (1 - share);
  return [CENTER_X + radius * Math.cos(angle), CENTER_Y - radius * Math.sin(angle)];
}

function arc(from, to) {
  const [[startX, startY], [endX, endY]] = [point(from, RADIUS), point(to, RADIUS)];
  return `M ${startX} ${startY} A ${RADIUS} ${RADIUS} 0 0 1 ${endX} ${endY}`;
}

function bars(classes, scores) {
  const best = Math.max(...scores);
  const list = document.createElement('ul');
  list.className = 'bars';
  for (const [index, score] of scores.entries()) {
    const line = document.createElement('li');
    line.className = score === best ? 'best' : '';
    line.append(span('name', classes[index]), bar(score), span('share', percent(score)));
    list.append(line);
  }
  return list;
}

function bar(score) {
  const track = span('track', '');
  const filled = span('filled', '');
  filled.style.width = `${100 * score}%`;
  track.append(filled);
  return track;
}

function number(shown) {
  return span('value', shown);
}

function span(name, content) {
  const element = document.createElement('span');
  element.className = name;
  element.textContent = content;
  return element;
}

function text(x, y, content, name) {
  const element = make('text', {x, y, class: name});
  element.textContent = content;
  return element;
}

function make(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, content] of Object.entries(attributes)) {
    element.setAttribute(name, content);
  }
  return element;
}
