/** The formats of coding agents, benchmarks and prompting libraries, for tests that read by format. */
import { codexFormat } from '../../server/src/formats/codex.ts';
import { dspyFormat } from '../../server/src/formats/dspy.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { geminiCliFormat } from '../../server/src/formats/geminiCli.ts';
import { latsFormat } from '../../server/src/formats/lats.ts';
import { miniSweAgentFormat } from '../../server/src/formats/miniSweAgent.ts';
import { openHandsFormat } from '../../server/src/formats/openHands.ts';
import { reactTextFormat } from '../../server/src/formats/reactText.ts';
import { sweAgentFormat } from '../../server/src/formats/sweAgent.ts';
import { tauBenchFormat } from '../../server/src/formats/tauBench.ts';

export const AGENT_FORMATS: readonly TraceFormat[] = [
  codexFormat, geminiCliFormat, sweAgentFormat, miniSweAgentFormat, openHandsFormat, tauBenchFormat, dspyFormat, latsFormat, reactTextFormat,
];
