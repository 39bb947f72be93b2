# Makes farrington_rare.csv: what surveillance's farringtonFlexible answers where cases are rare,
# weeks are missing, and a trend may have no end. Run in this folder: Rscript make_farrington.R
suppressMessages(library(surveillance))
set.seed(20261129)
weeks <- 330
pick <- function(...) { x <- c(...); x[sample.int(length(x), 1)] }

question <- function() {
  q <- list(
    k = pick(263, 272, 301, 330), years = pick(2, 3, 4, 5), half = pick(1, 2, 3, 4),
    seasons = pick(1, 1, 4, 10), skip = pick(3, 26), alpha = pick(0.005, 0.05),
    method = pick("nbPlugin", "delta", "muan"), power = pick("2/3", "1/2", "none"),
    trend_p = pick(0.05, 1), reweight = pick(TRUE, FALSE), outlier = pick(1, 2.58),
    limit = pick(0, 5), population = pick(TRUE, FALSE),
    first = pick("", "2015-01-05", "2015-12-28", "2016-02-29")
  )
  y <- rpois(weeks, pick(0, 0.01, 0.05, 0.5))
  # Cases at one end of the same weeks of each year: the first of them, the second, or the last.
  at <- q$k - 52 * q$years + pick(-q$half, 1 - q$half, 52 * (q$years - 1) + q$half)
  if (at > 0 && runif(1) < 0.7) { y[1:(q$k - q$skip - 1)] <- 0; y[at] <- pick(1, 2, 20) }
  if (runif(1) < 0.5) y[sample.int(weeks, 40)] <- NA
  if (is.na(y[q$k])) y[q$k] <- 0
  q$y <- y
  q
}

answer <- function(q) {
  people <- matrix(seq(9000, 11000, length.out = weeks))
  x <- if (q$first == "") {
    sts(matrix(q$y), freq = 52, start = c(2015, 1), population = people)
  } else {
    days <- seq(as.Date(q$first), by = "week", length.out = weeks)
    sts(matrix(q$y), epoch = as.numeric(days), freq = 52, epochAsDate = TRUE, population = people)
  }
  suppressWarnings(farringtonFlexible(x, control = list(
    range = q$k, b = q$years, w = q$half, noPeriods = q$seasons, pastWeeksNotIncluded = q$skip,
    alpha = q$alpha, thresholdMethod = q$method, powertrans = q$power, trend = TRUE,
    pThresholdTrend = q$trend_p, reweight = q$reweight, weightsThreshold = q$outlier,
    populationOffset = q$population, limit54 = c(q$limit, 4), glmWarnings = FALSE)))
}

number <- function(x) format(x, digits = 17)
rows <- list()
while (length(rows) < 400) {
  q <- question()
  a <- try(answer(q), silent = TRUE)
  if (inherits(a, "try-error")) next  # a window that begins before the series
  told <- which(is.na(q$y) | q$y > 0)
  rows[[length(rows) + 1]] <- data.frame(
    q[setdiff(names(q), "y")],
    counts = paste(told, q$y[told], sep = ":", collapse = " "),
    expected = number(c(a@control$expected)), upper = number(c(upperbound(a))),
    p = number(c(a@control$pvalue)), score = number(c(a@control$score)),
    trend = c(a@control$trend), alarm = c(alarms(a))
  )
}
write.csv(do.call(rbind, rows), "farrington_rare.csv", row.names = FALSE, quote = FALSE)
