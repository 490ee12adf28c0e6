/** Protocol tests speak to dist/server/main.js: a stale one would test yesterday's sources. */
import { isFresh } from '../../scripts/build.mjs';

export default function requireBuild(): void {
  if (!isFresh()) throw new Error('dist/ is older than the sources: run `npm run build`, or `npm test -- protocol`, which builds first.');
}
