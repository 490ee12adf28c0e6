/** Tells spans of agents and models from those of any other program, by the names of their attributes. */

/** Whether the text names an attribute or event of the conventions for agents. */
export function hasAgentSigns(text: string): boolean {
  return SIGNS.test(text);
}

const SIGNS = /gen_ai\.|"openinference\.span\.kind"|"openinference"\s*:|"llm\.(?:model_name|input_messages|output_messages|prompts|completions|request)|"traceloop\.|"ai\.operationId"|copilot_chat\./;
