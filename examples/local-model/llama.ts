/**
 * The part of node-llama-cpp's interface that the engine uses. Written down here because the package is installed
 * only when somebody runs this example, while the sources are type-checked always.
 *
 * @module
 */

/** A number of the model's vocabulary. */
export type Token = number & { readonly __token: never };

export interface Llama {
  loadModel(options: { readonly modelPath: string }): Promise<LlamaModel>;
  dispose(): Promise<void>;
}

export interface LlamaModel {
  createContext(options: {
    readonly contextSize: number;
    readonly sequences: number;
    readonly threads: number;
  }): Promise<{ getSequence(): LlamaSequence }>;
  createEmbeddingContext(options: {
    readonly contextSize: number;
    readonly threads: number;
  }): Promise<LlamaEmbeddingContext>;
  /** With `special`, text such as `<|im_end|>` becomes the control token; without, it stays plain text. */
  tokenize(text: string, special: boolean): Token[];
  detokenize(tokens: readonly Token[], special: boolean): string;
}

export interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly Token[]): Promise<void>;
  /** Generates until the model ends its turn or the caller stops reading. */
  evaluate(
    tokens: readonly Token[],
    options: {
      readonly temperature: number;
      readonly topP: number;
      readonly topK: number;
      readonly seed?: number;
    },
  ): AsyncGenerator<Token, void, void>;
}

export interface LlamaEmbeddingContext {
  getEmbeddingFor(tokens: readonly Token[]): Promise<{ readonly vector: readonly number[] }>;
}

/** What the package exports. */
export interface LlamaPackage {
  getLlama(options: {
    /** Never compile: take the ready-made binary or fail. */
    readonly build: "never";
    readonly skipDownload: boolean;
    readonly gpu: false;
    readonly progressLogs: boolean;
    readonly logLevel: "error";
  }): Promise<Llama>;
}
