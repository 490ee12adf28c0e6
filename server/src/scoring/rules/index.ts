/** Every check that needs no model. A rule is one file and one line here. */
import type { Rule } from './rule.ts';

export type { Rule } from './rule.ts';

export const RULES: readonly Rule[] = [];
