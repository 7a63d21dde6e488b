/**
 * The ids that rules of several formats refer to: MITRE ATLAS, and OWASP Top 10 for LLM applications with its year.
 *
 * @module
 */

/** A model that was tampered with on its way: AI supply chain, model. */
export const SUPPLY_CHAIN = ["AML.T0010.003", "OWASP-LLM03:2025"] as const;

/** A model that runs code once somebody loads or uses it. */
export const RUNS_CODE = ["AML.T0011.000", "AML.T0018.002", "OWASP-LLM03:2025"] as const;

/** Code that comes with a model and is imported when it is loaded. */
export const BRINGS_CODE = ["AML.T0011.000", "AML.T0010.001", "OWASP-LLM03:2025"] as const;

/** A file that makes its reader read or write other files. */
export const TOUCHES_FILES = ["AML.T0011.000", "AML.T0025", "OWASP-LLM03:2025"] as const;

/** A file that exhausts or crashes its reader. */
export const EXHAUSTS = ["AML.T0029", "OWASP-LLM10:2025"] as const;

/** Credentials that lie where they do not belong. */
export const CREDENTIALS = ["AML.T0055", "OWASP-LLM02:2025"] as const;
