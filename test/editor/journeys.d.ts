/** Stands for the journeys of one group; scripts/editorTests.ts fills it when it bundles a suite. */
declare module 'stepscope:journeys';
