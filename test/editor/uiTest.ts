/** How a test from outside is written: a name, and what a user sees and clicks in the window. */
import type { Workbench } from '../support/browser.ts';

export interface UiWindow {
  readonly workbench: Workbench;
  /** The folder that the window has open: a copy made for this file. */
  readonly workspace: string;
}

export interface UiTest { readonly name: string; readonly look: (window: UiWindow) => Promise<void> }

export const uiTests: UiTest[] = [];

/** Registers a test; those of one file share a fresh window and run in order. */
export function ui(name: string, look: (window: UiWindow) => Promise<void>): void {
  uiTests.push({ name, look });
}
