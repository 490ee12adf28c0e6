/** Types of build.mjs, which is plain JavaScript because boot.mjs imports it before anything is installed. */
import type { BuildOptions } from 'esbuild';

export interface Entry { readonly input: string; readonly output: string }
export const ENTRIES: readonly Entry[];
export const MONITOR: Entry & { readonly types: string };
export const BUNDLE_OPTIONS: BuildOptions;
export function isFresh(): boolean;
export function missingEntries(): readonly Entry[];
export function build(): Promise<void>;
export function bundledPackages(): readonly string[];
