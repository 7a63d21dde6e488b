/** What a pickle may do with names of libraries: hold them, make instances of them, call them; and what it may not. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { allowedUse, type Use } from "./allowed.ts";
import { knownBad } from "./known-bad.ts";

const USES: readonly (readonly [Use | undefined, string])[] = [
  ["instance", "sklearn.linear_model._logistic LogisticRegression"],
  ["instance", "sklearn.cluster._birch _CFNode"],
  ["instance", "torch.nn.parallel.data_parallel DataParallel"],
  ["instance", "torch.nn.modules.module _WrappedHook"],
  ["instance", "torch.ao.nn.quantized.dynamic.modules.linear Linear"],
  ["instance", "torch.optim.adamw AdamW"],
  ["instance", "torchvision.models.resnet ResNet"],
  ["instance", "timm.models.vision_transformer VisionTransformer"],
  ["instance", "ultralytics.nn.tasks DetectionModel"],
  ["instance", "transformers.models.bert.modeling_bert BertModel"],
  ["instance", "transformers.training_args TrainingArguments"],
  ["instance", "omegaconf.dictconfig DictConfig"],
  ["instance", "scipy.sparse._csr csr_matrix"],
  ["instance", "xgboost.sklearn XGBClassifier"],
  ["instance", "lightgbm.basic Booster"],
  ["instance", "catboost.core CatBoostClassifier"],
  ["instance", "imblearn.pipeline Pipeline"],
  ["instance", "pandas.core.frame DataFrame"],
  ["call", "pandas StringDtype"],
  ["call", "pandas.core.internals.managers BlockManager"],
  ["call", "transformers.trainer_utils IntervalStrategy"],
  ["value", "sklearn.metrics._classification accuracy_score"],
  ["value", "numpy log1p"],
  ["apply", "functools partial"],
  // Functions of the same libraries that do more, and what evaluates or opens what its state says.
  [undefined, "sklearn.datasets._base fetch_file"],
  [undefined, "sklearn.externals._packaging.version Version"],
  [undefined, "sklearn.utils._testing raises"],
  [undefined, "torch.utils.cpp_extension BuildExtension"],
  [undefined, "torch.utils.data.datapipes.utils.decoder Decoder"],
  [undefined, "torch.fx.graph_module GraphModule"],
  [undefined, "torch.optim.adamw load"],
  [undefined, "transformers.pipelines.base Pipeline"],
  [undefined, "transformers.models.auto.auto_factory getattribute_from_module"],
  [undefined, "pandas.core.computation.eval Eval"],
  [undefined, "pandas.io.pickle Unpickler"],
  [undefined, "pandas ExcelWriter"],
  [undefined, "pandas HDFStore"],
  [undefined, "numpy load"],
  [undefined, "numpy fromfile"],
  [undefined, "statsmodels.regression.linear_model OLS"],
  [undefined, "ultralytics.utils.checks Checks"],
  [undefined, "torch.nn.modules.linear Linear.forward"],
];

describe("names of libraries", () => {
  for (const [use, path] of USES) {
    it(`${path}: ${use ?? "denied"}`, () => {
      const [module = "", name = ""] = path.split(" ");
      assert.equal(allowedUse(module, name), use);
    });
  }

  it("are never both allowed and known to be bad", () => {
    for (const [use, path] of USES) {
      const [module = "", name = ""] = path.split(" ");
      if (use !== undefined && use !== "apply") assert.equal(knownBad(module, name), undefined, path);
    }
  });
});
