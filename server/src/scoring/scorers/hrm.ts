/** Two-level recurrence over the steps so far: the score depends on the way that led here. */
import type { Scorer } from '../scorer.ts';

export const hrm: Scorer = {
  id: 'hrm',
  title: 'Hierarchical recurrence',
  idea: 'A fast and a slow memory of all steps so far; also judges the whole run.',
  outputs: [
    { name: 'logit', width: 1 }, { name: 'convergence', width: 1 }, { name: 'zl_magnitude', width: 1 }, { name: 'zh_magnitude', width: 1 },
    { name: 'run_logit', width: 1, isShared: true }, { name: 'steps', width: 1, isShared: true, isCounted: true }, { name: 'state_out', width: 'state', isShared: true },
  ],
  mainOutput: 'logit',
  explain(at) {
    const energy = -at('logit');
    const steps = at('steps');
    return {
      attributes: { energy, trace_length: steps, convergence: at('convergence'), zL_magnitude: at('zl_magnitude'), zH_magnitude: at('zh_magnitude') },
      rationale: `energy ${energy.toFixed(2)} after ${steps} ${steps === 1 ? 'step' : 'steps'}, last pass moved ${at('convergence').toFixed(2)}`,
    };
  },
};
