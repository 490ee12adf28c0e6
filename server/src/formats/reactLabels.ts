/** Cuts a ReAct log into its labelled parts, with where they stand. */
import type { OffsetRange } from '../core/planTrace.ts';

export type ReactLabel = 'Question' | 'Thought' | 'Action' | 'Action Input' | 'Observation' | 'Final Answer';

export interface LabelledPart {
  readonly label: ReactLabel;
  /** Without colour codes and without what a logger wrote after it. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The words after the label. */
  readonly words: OffsetRange;
  /** 0-based line of the label. */
  readonly line: number;
  /** Whether the text before announces examples. */
  readonly isAfterExamples: boolean;
  /** Whether a logger's line, or the end of a chain, comes after it. */
  readonly endsSection: boolean;
}

/** The labelled parts of a log in order. Linear in its length. */
export function labelledParts(text: string): readonly LabelledPart[] {
  const found = [...text.matchAll(LABEL)];
  let line = 0;
  let counted = 0;
  return found.map((match, i): LabelledPart => {
    const start = match.index;
    const from = start + match[0].length;
    const next = found[i + 1]?.index ?? text.length;
    const value = text.slice(from, next);
    const stop = SECTION_END.exec(value);
    const kept = stop === null ? value : value.slice(0, stop.index);
    const body = kept.trimEnd();
    const lead = /^(?:\s|\u001b\[[0-9;]*m)*/.exec(body)?.[0].length ?? 0;
    for (let at = text.indexOf('\n', counted); at >= 0 && at < start; at = text.indexOf('\n', at + 1)) {
      line++;
      counted = at + 1;
    }
    const end = Math.max(from + body.length, start + 1);
    const words = { start: Math.min(from + lead, end - 1), end };
    return { label: labelOf(match[1] ?? match[2] ?? ''), text: body.replace(COLOURS, '').trim(), start, end, words, line, isAfterExamples: EXAMPLES.test(text.slice(Math.max(0, start - 60), start)), endsSection: stop !== null };
  });
}

/** At the start of a line; a number makes one count anywhere after the end of a sentence, where prompts glue them. */
const LABEL =
  /(?:^[^\S\n]*(?:\u001b\[[0-9;]*m[^\S\n]*)*(Question|Thought|Action Input|Action|Observation|Final Answer)(?:[^\S\n]+\d+)?[^\S\n]*:|(?<=[\])?.!])(Thought|Action|Observation)[^\S\n]+\d+:)/gm;
const COLOURS = /\u001b\[[0-9;]*m/g;
const SECTION_END = /\n[^\S\n]*(?:\u001b\[[0-9;]*m)*(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d|> (?:Entering|Finished)\b|(?:INFO|DEBUG|WARNING|ERROR)\b)/;
const EXAMPLES = /\bexamples?\s*:\s*$/i;

function labelOf(word: string): ReactLabel {
  switch (word) {
    case 'Question':
    case 'Thought':
    case 'Action':
    case 'Action Input':
    case 'Observation':
      return word;
    default:
      return 'Final Answer';
  }
}
