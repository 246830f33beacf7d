// What of a record is sent: nothing, if a rule of the user's says so. Decides on records in the order of receipt and hands each one on
// with what was decided, filtered or not: the lifecycle looks at every event.
import type { FilterRule } from '../losses.ts';
import type { LogRecord } from '../records/record.ts';
import { dropsEvent, isBelow, type Rules } from './rules.ts';

/** What was decided about one record. */
export interface Ruling {
  /** The rule by which it is not sent. */
  readonly filteredBy: FilterRule | undefined;
}

export interface Filters {
  /** Takes a record. */
  add(record: LogRecord): void;
  /** Hands records on, each once, in the order in which they were added. */
  run(pass: (record: LogRecord, ruling: Ruling) => void): void;
  /** Records that were not handed on yet. */
  waiting(): number;
  /** Gives up those. @returns how many they were */
  clear(): number;
}

export function createFilters(rules: Rules): Filters {
  const records: LogRecord[] = [];

  function ruleFor(record: LogRecord): FilterRule | undefined {
    if (record.type === 'platform') return dropsEvent(rules, record.event) ? 'drop_events' : undefined;
    return record.type === 'function' && isBelow(rules, record.level) ? 'min_level' : undefined;
  }

  return {
    add(record) {
      records.push(record);
    },
    run(pass) {
      for (const record of records.splice(0)) pass(record, { filteredBy: ruleFor(record) });
    },
    waiting: () => records.length,
    clear: () => records.splice(0).length,
  };
}
