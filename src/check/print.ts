// The report for people: as wide as the terminal, in its colours; plain where it goes into a file or a pipe.
import { styleText } from 'node:util';
import type { Report } from './index.ts';
import type { Shown } from './settings.ts';
import type { Step } from './step.ts';

const NARROWEST = 60;
const WIDEST = 110;
const NAME_COLUMNS = 31;
const STEP_COLUMNS = 12;
const MARKS = {
  ok: ['green', 'ok'],
  warn: ['yellow', 'warn'],
  failed: ['red', 'FAILED'],
  skipped: ['dim', '-'],
} as const;

export function formatReport(
  { version, settings, problems, sandbox, steps, ok, verdict }: Report,
  columns: number,
): string {
  const width = Math.min(Math.max(columns, NARROWEST), WIDEST);
  const isLambda = sandbox.some(({ name, value }) => name === 'AWS_LAMBDA_RUNTIME_API' && value !== undefined);
  const namesOf = (title: string, source: Shown['source']) => {
    const names = settings.filter((setting) => setting.source === source).map(({ name }) => name);
    return names.length === 0 ? [] : hanging(`  ${title}: `, names.join(', '), width);
  };
  const ofSource = (title: string, sources: readonly Shown['source'][]) => {
    const rows = settings.filter(({ source }) => sources.includes(source));
    return rows.length === 0 ? [] : [`  ${title}`, ...rows.flatMap((row) => settingLines(row, width))];
  };
  return [
    styleText('bold', `aws-lambda-loki-extension ${version}: check`),
    ...heading('Settings'),
    ...ofSource('from the environment', ['environment']),
    ...ofSource('by reference', ['reference']),
    ...ofSource('by default', ['default']),
    ...namesOf('set, and of no use', 'not used'),
    ...namesOf('not set', 'not set'),
    ...problems.flatMap(({ level, message, remedy }) => [
      ...hanging(
        `  ${level === 'error' ? styleText('red', 'FAILED') : styleText('yellow', 'warn')}  `,
        message,
        width,
        8,
      ),
      ...hanging('        -> ', remedy, width),
    ]),
    ...heading(isLambda ? 'What Lambda tells' : 'What Lambda tells (this is no sandbox: there it is set)'),
    ...sandbox.flatMap(({ name, value }) => hanging(`    ${name.padEnd(NAME_COLUMNS)} `, value ?? 'not set', width)),
    ...heading('The way to Loki'),
    ...steps.flatMap((step) => stepLines(step, width)),
    '',
    ...hanging(`${ok ? styleText('green', 'OK') : styleText('red', 'FAILED')}: `, verdict, width, ok ? 4 : 8),
    '',
  ].join('\n');
}

function heading(text: string): string[] {
  return ['', styleText('bold', text)];
}

function settingLines({ name, value = '' }: Shown, width: number): string[] {
  return hanging(`    ${name.padEnd(NAME_COLUMNS)} `, value, width);
}

function stepLines({ step, status, text, tookMs, remedy }: Step, width: number): string[] {
  const [colour, mark] = MARKS[status];
  const head = `  ${styleText(colour, mark.padEnd(7))} ${step.padEnd(STEP_COLUMNS)} `;
  const indent = 2 + 7 + 1 + STEP_COLUMNS + 1;
  const took = tookMs === undefined ? '' : ` (${Math.round(tookMs)} ms)`;
  return [
    ...hanging(head, text + took, width, indent),
    ...(remedy === undefined ? [] : hanging(`${' '.repeat(indent)}-> `, remedy, width)),
  ];
}

/**
 * The text beside its head, and the lines that do not fit below, indented like it. @param indent where the head holds
 * colours
 */
function hanging(head: string, text: string, width: number, indent = head.length): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((one, index) => (index === 0 ? head : ' '.repeat(indent)) + one);
}
