/** Every check that needs no model. A rule is one file and one line here. */
import { arithmeticError } from './arithmeticError.ts';
import { contentNotCaptured } from './contentNotCaptured.ts';
import { emptyStep } from './emptyStep.ts';
import { fileNotStrictJson } from './fileNotStrictJson.ts';
import { outputTruncated } from './outputTruncated.ts';
import { repeatedAction } from './repeatedAction.ts';
import type { Rule } from './rule.ts';
import { secretInTrace } from './secretInTrace.ts';
import { stepErrorIgnored } from './stepErrorIgnored.ts';
import { toolArgsInvalid } from './toolArgsInvalid.ts';
import { unknownRecords } from './unknownRecords.ts';
import { unsupportedNumber } from './unsupportedNumber.ts';

export type { Rule } from './rule.ts';

export const RULES: readonly Rule[] = [
  stepErrorIgnored, repeatedAction, arithmeticError, unsupportedNumber, toolArgsInvalid, outputTruncated, emptyStep, contentNotCaptured, secretInTrace, fileNotStrictJson, unknownRecords,
];
