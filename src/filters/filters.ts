// Decides what of each record is sent: nothing, if a rule of the user drops it; otherwise the record without its
// secrets, and with chosen fields as metadata. Works in the order of receipt, and passes on every record with its
// ruling, even a filtered one, because the lifecycle looks at every event.
import { type ByteString, toByteString } from '../byte-string.ts';
import type { LogType } from '../lambda/subscription.ts';
import type { FilterRule } from '../losses.ts';
import type { LogRecord } from '../records/record.ts';
import { type FieldValues, fieldsOf } from './fields.ts';
import { type LineView, REDACTED, textOf, viewOf, withoutUnicodeEscapes } from './redact.ts';
import { createRedactor, TIMED_OUT } from './redactor.ts';
import { dropsEvent, isBelow, type Rules } from './rules.ts';
import type { Spans } from './spans.ts';
import { createTrials, LIMIT_MS, type TrialParts, type Tried } from './trials.ts';

/** The decision about one record. */
export interface Ruling {
  /** The record without its secrets. */
  readonly record: LogRecord;
  /** The rule that drops it. */
  readonly filteredBy: FilterRule | undefined;
  /** Its text is not sent, because its secrets could not be determined. */
  readonly isWithheld: boolean;
  readonly fields: FieldValues | undefined;
}

export interface Filters {
  /** Adds a record. */
  add(record: LogRecord): void;
  /**
   * Passes records on, each once, in the order in which they were added. Those that take too long are left for the next
   * call.
   * @param isUrgent whether an invocation is nearly over: anything slow has to wait
   */
  run(pass: (record: LogRecord, ruling: Ruling) => void, isUrgent: boolean): void;
  /** How many records were not passed on yet. */
  waiting(): number;
  /** Whether more records fit into one run. Each run pays once for the thread that watches expressions. */
  hasRoom(): boolean;
  /** Gives up the waiting records. @returns how many there were */
  clear(): number;
  /** Redacts a text of our own. */
  redactOwn(text: string): string;
}

export interface FilterParts extends TrialParts {
  /** The types that are sent; the others need no look. */
  readonly logTypes: readonly LogType[];
}

/** A record that the rules are being applied to. */
interface Pending {
  readonly record: LogRecord;
  filteredBy: FilterRule | undefined;
  withheld: ByteString | undefined;
  /** The text that is searched for secrets. */
  readonly view: LineView | undefined;
  written: Spans;
  readonly escaped: Spans[];
  /** The number of finished trials after which it can be decided. */
  trials: number;
}

/** The number of ordinary lines that are read in a millisecond. */
const MOST_AT_A_TIME = 128;
const MOST_CHARACTERS = 128 * 1024;
const FAILED = toByteString('[redaction failed]');

export function createFilters(rules: Rules, parts: FilterParts): Filters {
  const logTypes = new Set(parts.logTypes);
  const redactor = createRedactor(rules.redact, rules.redactExpression);
  const redacts = rules.redact.length > 0 || rules.redactExpression !== undefined;
  const withheldAlways = rules.isUnreadable ? toByteString('[withheld: LOKI_REDACT_REGEX cannot be read]') : undefined;
  const trials = createTrials(parts);
  const pending: Pending[] = [];
  /** Characters of the waiting lines. */
  let characters = 0;
  /** The length of our own texts from which the expression has taken too long. */
  let tooLong = Number.POSITIVE_INFINITY;

  function ruleFor(record: LogRecord): FilterRule | undefined {
    if (record.type === 'platform') return dropsEvent(rules, record.event) ? 'drop_events' : undefined;
    return record.type === 'function' && isBelow(rules, record.level) ? 'min_level' : undefined;
  }

  function tryFilters(of: Pending): void {
    if (rules.include === undefined && rules.exclude === undefined) return;
    const text = withoutUnicodeEscapes(textOf(of.record.line));
    const filter = (expression: Tried | undefined, rule: FilterRule, sends: boolean) => {
      if (expression === undefined) return;
      trials.add({
        expression,
        text,
        isIdle: () => of.filteredBy !== undefined,
        run() {
          if (expression.regExp.test(text) !== sends) of.filteredBy = rule;
        },
        // When in doubt the line is sent.
        outOfTime() {},
      });
    };
    filter(rules.include, 'include_regex', true);
    filter(rules.exclude, 'exclude_regex', false);
  }

  function tryRedaction(of: Pending, view: LineView): void {
    const search = (text: string, found: (spans: Spans) => void) => {
      const { expression } = redactor;
      if (expression === undefined) return;
      trials.add({
        expression,
        text,
        isIdle: () => of.withheld !== undefined || (of.filteredBy !== undefined && of.record.tenantId === undefined),
        run: () => found(redactor.find(text)),
        outOfTime() {
          of.withheld = TIMED_OUT;
        },
      });
    };
    search(view.text, (spans) => {
      of.written = spans;
    });
    for (const [index, { text }] of view.escaped.entries()) {
      search(text, (spans) => {
        of.escaped[index] = spans;
      });
    }
  }

  /** If a step of ours fails, nobody knows what is secret. */
  function safely(of: Pending): Ruling {
    try {
      return rulingOn(of);
    } catch {
      return rulingOn({ ...of, withheld: FAILED });
    }
  }

  function rulingOn(of: Pending): Ruling {
    const record = redacted(of);
    const { filteredBy } = of;
    const hasFields = filteredBy === undefined && of.withheld === undefined && record.type === 'function';
    const fields = hasFields && rules.fields.length > 0 ? fieldsOf(record.line, rules.fields) : undefined;
    return { record, filteredBy, isWithheld: of.withheld !== undefined, fields };
  }

  function redacted({ record, withheld, view, written, escaped }: Pending): LogRecord {
    const line = withheld ?? (view && redactor.redact(view, { written, escaped }));
    if (line === undefined) return record;
    // It becomes metadata of every line of its invocation.
    const { tenantId } = record;
    const isSecret = tenantId !== undefined && !line.includes(toByteString(tenantId));
    return { ...record, line, tenantId: isSecret ? REDACTED : tenantId };
  }

  return {
    add(record) {
      const filteredBy = ruleFor(record);
      const isSent = filteredBy === undefined && logTypes.has(record.type) && record.line !== '';
      const isSearched = redacts && withheldAlways === undefined && (isSent || record.tenantId !== undefined);
      const view = isSearched ? viewOf(record.line) : undefined;
      const withheld = record.line === '' ? undefined : withheldAlways;
      const of: Pending = { record, filteredBy, withheld, view, written: [], escaped: [], trials: 0 };
      if (isSent && record.type === 'function') tryFilters(of);
      if (view !== undefined) tryRedaction(of, view);
      of.trials = trials.added();
      pending.push(of);
      characters += record.line.length;
    },
    run(pass, isUrgent) {
      const over = trials.run(isUrgent);
      for (let first = pending[0]; first !== undefined && first.trials <= over; first = pending[0]) {
        pending.shift();
        pass(first.record, safely(first));
      }
      if (pending.length > 0) return;
      trials.clear();
      characters = 0;
    },
    waiting: () => pending.length,
    hasRoom: () => pending.length < MOST_AT_A_TIME && characters < MOST_CHARACTERS,
    clear() {
      trials.clear();
      characters = 0;
      return pending.splice(0).length;
    },
    redactOwn(text) {
      const view = viewOf(toByteString(text));
      let written: Spans = [];
      const search = () => {
        written = redactor.find(view.text);
      };
      if (redactor.expression !== undefined) {
        if (text.length >= tooLong) return textOf(TIMED_OUT);
        if (!parts.runBounded(search, LIMIT_MS)) {
          tooLong = Math.ceil(text.length / 2);
          return textOf(TIMED_OUT);
        }
      }
      const line = redactor.redact(view, { written, escaped: [] });
      return line === undefined ? text : textOf(line);
    },
  };
}
