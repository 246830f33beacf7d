// Gives a process the share of a CPU that an invocation of a function of so much memory has, through a control group of its own. Lambda
// counts in periods of 20 ms as well: a process that has used up its share stands still until the next one.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html, https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu

import { type ControlGroup, openControlGroup } from './control-group.ts';

/** A function of so much memory has one whole CPU. */
export const MB_OF_ONE_CPU = 1_769;

const PERIOD_US = 20_000;

export type CpuShare = ControlGroup;

/** Undefined where this machine does not let us make the group. */
export function openCpuShare(memoryMb: number): CpuShare | undefined {
  const quotaUs = Math.round((PERIOD_US * memoryMb) / MB_OF_ONE_CPU);
  const period = ['cpu.cfs_period_us', String(PERIOD_US)] as const;
  return openControlGroup(String(memoryMb), {
    one: ['cpu', [period, ['cpu.cfs_quota_us', String(quotaUs)]]],
    two: ['cpu', [['cpu.max', `${quotaUs} ${PERIOD_US}`]]],
  });
}
