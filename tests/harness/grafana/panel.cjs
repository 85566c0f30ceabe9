// Says what a panel shows, by Grafana's own code: one request a line on stdin, one answer a line on stdout, both JSON.
//
// A request is {panel, results, from, to, step}: the panel of a dashboard, for each query what Prometheus' HTTP API returned
// (`data`), and the range and step in seconds. The answer is {tiles}, {rows} or {series}, with the texts and colours of the
// dark theme; colours that the theme knows by name have that name. Rows are in the order of the table, and each cell says
// whether it is painted and whether there is a value (`known`).
'use strict';

require('./undrawn.cjs');

const grafana = require('@grafana/data');
const { firstValueFrom } = require('rxjs');
const readline = require('node:readline');

const theme = grafana.createTheme();
const names = new Map(
  ['green', 'red', 'orange', 'yellow', 'blue', 'purple', 'text', 'transparent'].map((name) => [
    theme.visualization.getColorByName(name),
    name,
  ])
);
const seen = (display) => ({ text: grafana.formattedValueToString(display), color: names.get(display.color) ?? display.color });
const known = (value) => value !== null && value !== undefined && value !== '' && !Number.isNaN(value);
const asIs = (text) => text;

grafana.standardTransformersRegistry.setInit(() =>
  // An older name of a transformation has the id of the newer one.
  [...new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one])).values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation: async () => transformation,
    editor: () => null,
  }))
);

// The application registers one entry for each option that a field may have; all of ours are taken as they are.
const registry = new grafana.Registry(() =>
  ['unit', 'min', 'max', 'decimals', 'displayName', 'color', 'mappings', 'thresholds', 'noValue', 'links']
    .map((id) => ({ id, path: id, isCustom: false }))
    .concat(['cellOptions', 'hidden', 'spanNulls', 'insertNulls'].map((path) => ({ id: `custom.${path}`, path, isCustom: true })))
    .map((option) => ({ ...option, name: option.id, process: asIs, shouldApply: () => true }))
);

// The legend of a series as the data source writes it: {{label}}, or Grafana's own choice.
const legend = (format, labels) =>
  format === '__auto' ? undefined : format.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] ?? '');

const number = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number.parseFloat(text));
const points = (result) => result.values ?? [result.value];

function seriesFrame(target, result, step) {
  const values = points(result).map((point) => number(point[1]));
  return grafana.createDataFrame({
    refId: target.refId,
    fields: [
      {
        name: 'Time',
        type: grafana.FieldType.time,
        config: result.values ? { interval: step * 1000 } : {},
        values: points(result).map((point) => point[0] * 1000),
      },
      {
        name: 'Value',
        type: grafana.FieldType.number,
        labels: result.metric,
        config: { displayNameFromDS: legend(target.legendFormat, result.metric) },
        values,
      },
    ],
  });
}

// A query in the format "table" is one frame: time, every label that occurs, the value, which bears the query's letter if
// there are several. A query without a result is a frame without fields.
function tableFrame(target, results, several) {
  if (results.length === 0) {
    return grafana.createDataFrame({ refId: target.refId, fields: [] });
  }
  const labels = [...new Set(results.flatMap((result) => Object.keys(result.metric).sort()))];
  return grafana.createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: grafana.FieldType.time, values: results.map((result) => result.value[0] * 1000) },
      ...labels.map((name) => ({
        name,
        type: grafana.FieldType.string,
        values: results.map((result) => result.metric[name] ?? ''),
      })),
      {
        name: several ? `Value #${target.refId}` : 'Value',
        type: grafana.FieldType.number,
        values: results.map((result) => number(result.value[1])),
      },
    ],
  });
}

function frames({ panel, results, step }) {
  const several = panel.targets.length > 1;
  return panel.targets.flatMap((target) => {
    const found = results[target.refId].result;
    return target.format === 'table' ? [tableFrame(target, found, several)] : found.map((one) => seriesFrame(target, one, step));
  });
}

function tiles(panel, data) {
  const shown = grafana.getFieldDisplayValues({
    data,
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: asIs,
    theme,
    timeZone: 'utc',
  });
  // Without any value there is one tile all the same, whose number is 0.
  const some = data.some((frame) => frame.length > 0);
  return shown.map(({ display }) => ({ title: display.title ?? '', known: some && known(display.numeric), ...seen(display) }));
}

const painted = (field) => (field.config.custom?.cellOptions?.type ?? '').startsWith('color');

// The table sorts what the transformations left, if it is told to.
function inOrder(panel, frame, data) {
  const order = Array.from({ length: frame.length }, (_, row) => row);
  for (const { displayName, desc } of [...(panel.options.sortBy ?? [])].reverse()) {
    const field = frame.fields.find((one) => grafana.getFieldDisplayName(one, frame, data) === displayName);
    const values = field?.values ?? [];
    order.sort((one, other) => (values[one] > values[other] ? 1 : values[one] < values[other] ? -1 : 0) * (desc ? -1 : 1));
  }
  return order;
}

function rows(panel, data) {
  const [frame] = data;
  if (!frame) {
    return [];
  }
  return inOrder(panel, frame, data).map((row) =>
    Object.fromEntries(
      frame.fields
        .filter((field) => !field.config.custom?.hidden)
        .map((field) => [
          grafana.getFieldDisplayName(field, frame, data),
          { ...seen(field.display(field.values[row])), painted: painted(field), known: known(field.values[row]) },
        ])
    )
  );
}

// What a graph draws: a null where the data source returned no point, up to the end of the range, and the legend's numbers.
function series(panel, data, from, to) {
  const calcs = panel.options.legend.calcs ?? [];
  return data.map((original) => {
    const frame = grafana.applyNullInsertThreshold({
      frame: original,
      refFieldPseudoMin: from * 1000,
      refFieldPseudoMax: to * 1000,
    });
    const [time, field] = frame.fields;
    const reduced = grafana.reduceField({ field: { ...field, state: {} }, reducers: calcs });
    return {
      name: grafana.getFieldDisplayName(field, frame, data),
      legend: Object.fromEntries(calcs.map((calc) => [calc, seen(field.display(reduced[calc])).text])),
      points: time.values.map((at, index) => [at / 1000, field.values[index], seen(field.display(field.values[index]))]),
    };
  });
}

// The frames of a panel as it draws them; variables are put in by `replaceVariables`.
async function prepared({ panel, results, to, step }, replaceVariables = asIs) {
  Date.now = () => to * 1000; // people look at the end of the range
  const transformed = await firstValueFrom(
    grafana.transformDataFrame(panel.transformations ?? [], frames({ panel, results, step }), { interpolate: asIs })
  );
  return grafana.applyFieldOverrides({
    data: transformed,
    fieldConfig: panel.fieldConfig,
    fieldConfigRegistry: registry,
    replaceVariables,
    theme,
    timeZone: 'utc',
  });
}

async function show(request) {
  const { panel, from, to } = request;
  const data = await prepared(request);
  switch (panel.type) {
    case 'stat':
    case 'bargauge':
      return { tiles: tiles(panel, data) };
    case 'table':
      return { rows: rows(panel, data) };
    default:
      return { series: series(panel, data, from, to) };
  }
}

// Answers one request a line, until there is none.
async function serve(answer) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

module.exports = { grafana, prepared, serve };

if (require.main === module) {
  serve(show);
}
