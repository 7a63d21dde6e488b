# Makes the files of this folder: Rscript make.R (R 4.2). Those named bad-* are hostile; making them runs nothing.
frame <- data.frame(x = c(1, 2, 3), y = factor(c("a", "b", "a")), z = 4:6)
model <- lm(x ~ z, frame)
values <- list(1L, NA, "a\"\\\n\u00e9", NULL, TRUE, NaN, 1i, as.raw(1:3), quote(f(x)), 1:1000, new.env(), sum, globalenv())
for (ascii in c(TRUE, FALSE)) {
  name <- if (ascii) "ascii" else "xdr"
  for (version in 2:3) {
    saveRDS(values, sprintf("%s-%d.rds", name, version), ascii = ascii, version = version, compress = FALSE)
  }
  save(model, frame, values, file = sprintf("%s.rda", name), ascii = ascii, compress = FALSE)
}
file <- file("little-endian.rds", "wb")
serialize(values, file, xdr = FALSE)
close(file)
saveRDS(model, "gzip.rds")
save(model, file = "xz.rda", compress = "xz")

# What a function did not use of its arguments stays a promise, and goes with the model that it made.
fit <- function(data, report, unused) lm(x ~ z, data)
saveRDS(fit(frame, unused = stop("not used"), report = cat("x")), "promise-of-argument.rds", compress = FALSE)
saveRDS((function(...) environment())(1, a = stop("not used"), stop("nor this")), "promise-of-dots.rds", compress = FALSE)
# A function that the compiler has seen.
double <- compiler::cmpfun(function(x, ...) if (is.null(x)) NULL else for (i in x) print(quote(i + 2 * base::sum(x))))
saveRDS(double, "compiled.rds", compress = FALSE)

delayedAssign("weights", system("id"))
for (ascii in c(TRUE, FALSE)) {
  name <- sprintf("bad-promise-%s.rda", if (ascii) "ascii" else "xdr")
  save("weights", file = name, eval.promises = FALSE, ascii = ascii, compress = FALSE)
}
save("weights", file = "bad-promise-gzip.rda", eval.promises = FALSE)
saveRDS(compiler::cmpfun(function(x) base::system(x)), "bad-compiled.rds", compress = FALSE)
saveRDS(list(model, predict = function(x) system2("id")), "bad-function.rds", compress = FALSE)
saveRDS(fit(frame, report = do.call("system", list("id"))), "bad-promise-of-argument.rds", compress = FALSE)
