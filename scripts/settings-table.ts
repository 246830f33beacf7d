// The README's tables of settings, made from the one that the program reads (src/config/settings.ts). A test fails when the two
// differ. usage: node scripts/settings-table.ts, which writes the table into README.md

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type NumberSetting, SETTINGS, type Setting } from '../src/config/settings.ts';
import { markdownTable, withTextBetween } from './markdown.ts';

const README = path.join(import.meta.dirname, '..', 'README.md');
const MARKS = ['<!-- settings: written by scripts/settings-table.ts -->\n', '<!-- /settings -->'] as const;

/** The text of a README with the table of today between its marks. Throws when there are none. */
export function withSettingsTable(readme: string): string {
  return withTextBetween(readme, 'README.md', MARKS, settingsTable());
}

/** Without these nothing is sent, to Grafana Cloud at least. */
const NEEDED: readonly string[] = ['LOKI_PUSH_ENDPOINT', 'LOKI_USERNAME', 'LOKI_PASSWORD'];
/** Their defaults do, until something is measured that says otherwise. What is in neither list is common. */
const TUNING: readonly string[] = [
  ...['LOKI_STRUCTURED_METADATA', 'LOKI_EXTENSION_API', 'LOKI_EXTENSION_PORT', 'LOKI_BATCH_MAX_BYTES'],
  ...['LOKI_BATCH_MAX_WAIT_MS', 'LOKI_BUFFER_MAX_BYTES', 'LOKI_MAX_LINE_BYTES', 'LOKI_FLUSH_TIMEOUT_MS'],
  ...['LOKI_PUSH_TIMEOUT_MS', 'LOKI_RETRY_MIN_BACKOFF_MS', 'LOKI_RETRY_MAX_BACKOFF_MS'],
];

/** Three tables in Markdown, one row per setting: what is needed, what is common, what is for tuning. */
export function settingsTable(): string {
  const isCommon = ({ name }: Setting) => !NEEDED.includes(name) && !TUNING.includes(name);
  return [
    `### Needed\n\n${tableOf(SETTINGS.filter(({ name }) => NEEDED.includes(name)))}`,
    `### Common\n\n${tableOf(SETTINGS.filter(isCommon))}`,
    `### Tuning\n\n${tableOf(SETTINGS.filter(({ name }) => TUNING.includes(name)))}`,
  ].join('\n');
}

function tableOf(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => [
    `\`${setting.name}\``,
    defaultOf(setting),
    valuesOf(setting),
    setting.meaning.replaceAll('|', '\\|'),
  ]);
  const header = ['name', 'default', 'unit, values', 'meaning and trade-off'];
  return `${markdownTable([header, ...rows], 'left')}\n`;
}

function defaultOf({ default: text }: Setting): string {
  if (text === '') return '';
  return text.includes(' ') ? text : `\`${text}\``;
}

function valuesOf(setting: Setting): string {
  switch (setting.kind) {
    case 'text':
      return setting.byReference ? 'text or ARN' : '';
    case 'switch':
      return '`true`, `false`';
    case 'choice':
      return setting.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'number':
      return `${setting.unit}, ${grouped(setting.min)} to ${boundOf(setting)}`;
  }
}

function boundOf({ max, bound }: NumberSetting): string {
  return bound === undefined ? grouped(max) : `${bound}, at most ${grouped(max)}`;
}

function grouped(value: number): string {
  return value.toLocaleString('en');
}

if (import.meta.main) writeFileSync(README, withSettingsTable(readFileSync(README, 'utf8')));
