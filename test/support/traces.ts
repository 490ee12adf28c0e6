/** Traces that tests make: small, plain and different from step to step. */

export interface TestStep {
  readonly step_id: string;
  readonly step_type: string;
  readonly output_text: string;
  readonly [key: string]: unknown;
}

/** A PlanTrace of `count` right and different arithmetic steps. */
export function planTrace(count: number, options: { readonly id?: string; readonly change?: Readonly<Record<number, string>> } = {}): { trace_id: string; goal_text: string; plan_signature: string; execution_steps: TestStep[]; final_output_text: string } {
  return {
    trace_id: options.id ?? 'trace_test',
    goal_text: 'A baker makes trays of rolls all morning. Follow how many rolls there are.',
    plan_signature: 'test',
    execution_steps: Array.from({ length: count }, (_, i) => ({
      step_id: `s${i + 1}`, step_type: 'reasoning', output_text: options.change?.[i] ?? `Tray ${i + 1} holds ${i + 3} rows of ${i + 2} rolls, so ${i + 3} * ${i + 2} = ${(i + 3) * (i + 2)}, which belongs to tray ${i + 1}.`,
    })),
    final_output_text: '',
  };
}

/** As files are written: two spaces. */
export function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
