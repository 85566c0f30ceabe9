// Says where the links of a board lead and what its variables hold, by Grafana's own code: one request a line on stdin, one
// answer a line on stdout, both JSON.
//
// A request is {board, url, options, panel, results, to, step}: a dashboard that was opened with a URL, what Prometheus knows
// for each variable, and, if links of a panel are asked for, the panel with its results as in panel.cjs. The answer is
// {values, queries, menu, rows}: of each variable its value, each panel's queries as they are sent, the addresses of the board's
// menu, and for each row (or series) of the panel the addresses of its links by field.
'use strict';

const { grafana, prepared, serve } = require('./panel.cjs');
const scenes = require('@grafana/scenes');
const { lastValueFrom, of } = require('rxjs');

grafana.locationUtil.initialize({
  config: { appSubUrl: '' },
  getVariablesUrlParams: () => ({}),
  getTimeRangeForUrl: () => ({ from: '', to: '' }),
});

// A variable whose values are those that Prometheus knows; choosing, All and the URL are Grafana's.
class KnownValues extends scenes.MultiValueVariable {
  constructor({ known, ...state }) {
    super({ type: 'custom', value: '', text: '', options: [], ...state });
    this.known = known;
  }

  getValueOptions() {
    return of(this.known.map((value) => ({ value, label: value })));
  }
}

const asVariable = (model, known) =>
  new KnownValues({
    name: model.name,
    known: known ?? [],
    isMulti: model.multi,
    includeAll: model.includeAll,
    allValue: model.allValue,
    skipUrlSync: model.skipUrlSync,
    ...(model.current ? { value: model.current.value, text: model.current.text } : {}),
  });

const parameters = (url) => {
  const found = {};
  for (const [key, value] of new URL(url, 'http://grafana').searchParams) {
    found[key] = key in found ? [].concat(found[key], value) : value;
  }
  return found;
};

// How the data source puts values into a query: into one that may have several as a regular expression.
const escaped = (text) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"');
const pattern = (text) => escaped(text.replace(/[\\^$*+?.()|[\]{}]/g, '\\$&'));
const inQuery = (value, variable) => {
  if (!variable.isMulti && !variable.includeAll) {
    return escaped(String(value));
  }
  const values = [].concat(value);
  return values.length === 1 ? pattern(values[0]) : `(${values.map(pattern).join('|')})`;
};

async function opened({ board, url, options }) {
  const asked = parameters(url);
  const variables = board.templating.list.map((model) => asVariable(model, options[model.name]));
  const timeRange = new scenes.SceneTimeRange({ from: board.time.from, to: board.time.to });
  const scene = new scenes.EmbeddedScene({
    $timeRange: timeRange,
    $variables: new scenes.SceneVariableSet({ variables }),
    body: new scenes.SceneFlexLayout({ children: [] }),
  });
  timeRange.urlSync.updateFromUrl(asked);
  for (const variable of variables) {
    variable.urlSync.updateFromUrl(asked);
    await lastValueFrom(variable.validateAndUpdate());
  }
  return { scene, variables };
}

// The menu is the application's own: it appends what the link is told to keep to the URL.
function menu(board, put) {
  return Object.fromEntries(
    board.links.map((link) => {
      const kept = [link.keepTime && '${__url_time_range}', link.includeVars && '${__all_variables}'].filter(Boolean);
      const glue = link.url.includes('?') ? '&' : '?';
      return [link.title, put(link.url + (kept.length ? glue + kept.join('&') : ''))];
    })
  );
}

const panels = (board) => board.panels.flatMap((panel) => (panel.type === 'row' ? panel.panels : [panel]));

async function links(request, put) {
  const data = await prepared(request, put);
  const of = (frame, field, row) => (field.getLinks?.({ valueRowIndex: row }) ?? []).map((link) => link.href);
  return data.flatMap((frame) =>
    Array.from({ length: frame.length }, (_, row) =>
      Object.fromEntries(
        frame.fields
          .filter((field) => field.type !== grafana.FieldType.time && !field.config.custom?.hidden)
          .map((field) => [grafana.getFieldDisplayName(field, frame, data), of(frame, field, row)])
          .filter(([, found]) => found.length > 0)
      )
    )
  );
}

serve(async (request) => {
  const { scene, variables } = await opened(request);
  const put = (text, scoped, format) => scenes.sceneGraph.interpolate(scene, text, scoped, format);
  const single = new Map(variables.map((one) => [one.state.name, one]));
  return {
    values: Object.fromEntries(variables.map((one) => [one.state.name, one.state.value])),
    queries: Object.fromEntries(
      panels(request.board).map((panel) => [
        panel.title,
        panel.targets.map((target) =>
          put(target.expr, {}, (value, variable) => inQuery(value, single.get(variable.name)?.state ?? variable))
        ),
      ])
    ),
    menu: menu(request.board, put),
    rows: request.panel ? await links(request, put) : [],
  };
});
