/** Property tests use one seed in CI, so that a red build can be repeated; elsewhere a fresh one, which fast-check prints on failure. `FAST_CHECK_SEED` sets it by hand. */
import fc from 'fast-check';

const CI_SEED = 20_261_123;
const given = process.env['FAST_CHECK_SEED'];

if (given !== undefined) fc.configureGlobal({ seed: Number(given) });
else if (process.env['CI']) fc.configureGlobal({ seed: CI_SEED });
