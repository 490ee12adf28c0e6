/** One vitest project a kind of test; files are found by their place and the ending `.test.ts`. */
import { defineConfig } from 'vitest/config';

const project = (name: string, options: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node', ...options },
});

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('golden'),
      project('property', { testTimeout: 60_000, setupFiles: ['test/support/seed.ts'] }),
      project('architecture'),
      project('protocol', { testTimeout: 60_000, hookTimeout: 60_000, globalSetup: ['test/support/requireBuild.ts'] }),
    ],
  },
});
