/** What the readers of both versions of OpenHands' events have in common. */
import type { OffsetRange } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import type { JsonRecord } from './jsonFields.ts';
import type { OpenSteps } from './openSteps.ts';

export interface EventReader {
  readonly version: 'v0' | 'v1';
  readonly steps: OpenSteps;
  readonly unknown: Readonly<Record<string, number>>;
  readonly goal: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  readonly model: string | undefined;
  readonly costUsd: number | undefined;
  readonly createdAt: string | undefined;
  read(record: FileRecord, event: JsonRecord, pointer: string): void;
}
