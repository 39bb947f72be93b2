# What R (surveillance) answers for an invented outbreak; run as Rscript make_nowcast.R.
# It writes the nowcast_*.csv of this folder.
library(surveillance)
options(digits = 17, warn = -1)
set.seed(20)
days <- as.Date("2020-03-01") + 0:39
per_day <- rpois(40, 4 + 22 * exp(-((0:39) - 27)^2 / 90))
event <- rep(days, per_day)
delay <- pmin(rnbinom(length(event), size = 2, mu = 3.5), 14)
d <- data.frame(event = event, report = event + delay)
now <- as.Date("2020-04-05")
save_as <- function(x, name) {
  for (column in names(x)) if (is.numeric(x[[column]])) x[[column]] <- formatC(x[[column]], digits = 17, format = "g", width = 1)
  write.csv(x, paste0("nowcast_", name, ".csv"), row.names = FALSE, quote = FALSE)
}
save_as(d[order(d$event, d$report), ], "line_list")
when <- seq(now - 9, now, by = "1 day")
run <- function(method, name, interpretation) {
  result <- nowcast(now = now, when = when, data = d, dEventCol = "event", dReportCol = "report", method = method, 
                    aggregate.by = "1 day", D = 10, m = 25, m.interpretation = interpretation,
                    control = list(N.tInf.max = 1500, N.tInf.prior = structure("poisgamma", mean.lambda = 15, var.lambda = 300),
                                   nSamples = 20000, predPMF = TRUE))
  at <- match(when, epoch(result))
  pmf <- result@predPMF
  rows <- lapply(seq_along(when), function(i) {
    p <- pmf[[as.character(when[i])]][[method]]
    data.frame(date = as.character(when[i]), median = upperbound(result)[at[i], 1], low = result@pi[at[i], 1, 1],
               high = result@pi[at[i], 1, 2], mean = sum(p * (seq_along(p) - 1)), total = sum(p))
  })
  save_as(do.call(rbind, rows), name)
}
run("lawless", "lawless", "lawless1994")
run("bayes.notrunc.bnb", "flat", "hoehle_anderheiden2014")
run("bayes.trunc", "corrected", "hoehle_anderheiden2014")
incubation <- c(0, 0.1, 0.25, 0.3, 0.2, 0.1, 0.05)
sts <- linelist2sts(d, dateCol = "event", aggregate.by = "1 day", dRange = range(days))
bp <- backprojNP(sts, incu.pmf = incubation,
                 control = list(k = 2, eps = c(1e-7, 1e-7), iter.max = c(500, 500), B = 0, eq3a.method = "R", verbose = FALSE))
save_as(data.frame(date = as.character(epoch(sts)), observed = observed(sts)[, 1], infections = upperbound(bp)[, 1]), "back_projection")
