/**
 * A small pipeline under the Supervisor: it plans a week of lunches, improves the plan twice and checks it.
 * `node examples/supervisor.mjs [folder]` after `npm run build`; then open the folder with StepScope.
 * With `--score` the run is scored by the stepscope command line and the scores are written into the trace.
 */
import { PlanTraceMonitor, stepscopeScorer, Supervisor } from 'stepscope/monitor';

const words = process.argv.slice(2);
const folder = words.find((word) => !word.startsWith('--')) ?? 'traces';

const monitor = new PlanTraceMonitor({ folder });
const supervisor = new Supervisor({
  monitor,
  config: { days: 5, budget: 40 },
  stages: [
    { name: 'plan', run: (context) => ({ ...context, lunches: Array.from({ length: context.days }, () => ({ dish: 'pizza', price: 11 })) }) },
    {
      name: 'improve',
      iterations: 2,
      // Stages within the stage: each change is recorded on its own.
      run: async (context, stage) => {
        const dearest = context.lunches.findIndex((lunch) => lunch.price > 8);
        const soup = await monitor.recordStage(stage, 'replace', () => ({ dish: 'soup', price: 6 }), { input: context.lunches[dearest], rationale: 'the plan is over budget' });
        return { ...context, lunches: context.lunches.with(dearest, soup) };
      },
    },
    {
      name: 'check',
      run: (context) => {
        const cost = context.lunches.reduce((sum, lunch) => sum + lunch.price, 0);
        return { ...context, finalOutput: `The lunches cost ${cost} of ${context.budget}: ${cost <= context.budget ? 'within' : 'over'} budget.` };
      },
    },
  ],
  ...(words.includes('--score') ? { scorer: stepscopeScorer() } : {}),
});

const { finalOutput } = await supervisor.run({ goalText: 'Plan five lunches for at most 40.' }, { days: 5, budget: 40 });
console.log(finalOutput);
